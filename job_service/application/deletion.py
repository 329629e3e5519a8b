"""Removing one job at its owner's wish."""

from contextlib import suppress
from uuid import UUID

from job_service.application.orphans import Orphans
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.accounts import Action
from job_service.domain.errors import JobActive, JobNotFound, StorageUnavailable
from job_service.domain.ids import uuid7
from job_service.domain.job import FINAL_JOB_STATES
from job_service.domain.principal import Principal


class Deletion:
    """Removes the rows first and the files after: what a crash leaves is an orphan."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, orphans: Orphans) -> None:
        self._units = units
        self._signals = signals
        self._orphans = orphans

    def delete(self, tenant_id: UUID, job_id: UUID, actor: Principal | None = None) -> None:
        """Remove an ended job with its events and outputs. Raises JobNotFound, JobActive.

        An output that another job still needs as its input stays until that
        one is gone too. What `actor` removed is told by the audit log alone.
        """
        with self._units.write() as uow:
            job = uow.jobs.lock([job_id]).jobs.get(job_id)
            if job is None or job.tenant_id != tenant_id:
                raise JobNotFound
            if job.state not in FINAL_JOB_STATES:
                raise JobActive(state=job.state.value)
            uow.retention.delete_jobs([job_id])
            uow.audit.append(
                uuid7(uow.now()),
                Action.JOB_DELETE,
                actor,
                tenant=None,
                subject=f"job/{job_id}",
                details={"state": job.state.value},
            )
        # Whoever still reads its events learns that it is gone.
        self._signals.job_changed(job_id)
        # The job is deleted, whatever becomes of its files now.
        with suppress(StorageUnavailable):
            self._orphans.drop_files_of([job_id])
