"""Reading jobs and their events; changes nothing."""

from datetime import datetime
from uuid import UUID

from job_service.application.job_query import Cursor, JobQuery
from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.errors import JobNotFound
from job_service.domain.events import JobEvent
from job_service.domain.job import Job, JobState, Progress

__all__ = ["Cursor", "JobQuery", "Queries"]


class Queries:
    """Answers from one consistent snapshot each."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def get_job(self, tenant_id: UUID, job_id: UUID) -> Job:
        """Return a job with its spec's text, steps, and targets with outputs.

        An output of text of at most 16 KiB carries its bytes in `inline`.
        Raises JobNotFound.
        """
        with self._units.read() as uow:
            job = uow.jobs.load(tenant_id, [job_id]).get(job_id)
        if job is None:
            raise JobNotFound
        return job

    def list_jobs(
        self, tenant_id: UUID, query: JobQuery, page_size: int, after: Cursor | None = None
    ) -> tuple[list[Job], Cursor | None]:
        """Return a page, newest first, and where the next one starts (None: no more).

        The jobs come without steps, outputs, and the spec's inline text.
        """
        with self._units.read() as uow:
            # One more than asked tells whether there is a next page.
            jobs = list(uow.jobs.list(tenant_id, query, page_size + 1, after))
        page = jobs[:page_size]
        more = len(jobs) > page_size
        return page, Cursor(page[-1].created_at, page[-1].job_id) if more and page else None

    def list_events(
        self, tenant_id: UUID, job_id: UUID, after_sequence: int, limit: int
    ) -> list[JobEvent]:
        """Return events in order. Raises JobNotFound."""
        with self._units.read() as uow:
            if not uow.jobs.exists(tenant_id, job_id):
                raise JobNotFound
            return list(uow.jobs.events_after(job_id, after_sequence, limit))

    def events_after(self, job_id: UUID, after_sequence: int, limit: int) -> list[JobEvent]:
        """Return events in order, for a caller that has checked the tenant."""
        with self._units.read() as uow:
            return list(uow.jobs.events_after(job_id, after_sequence, limit))

    def progress_of(self, job_id: UUID) -> tuple[JobState, int, Progress | None]:
        """Return state, newest sequence and progress; cheap. Raises JobNotFound."""
        with self._units.read() as uow:
            found = uow.jobs.progress_of(job_id)
        if found is None:
            raise JobNotFound
        return found

    def now(self) -> datetime:
        """Read the database's clock."""
        with self._units.read() as uow:
            return uow.now()
