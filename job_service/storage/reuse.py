"""Results of ended jobs that can serve new ones: found, and held while they are taken over."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.postgresql import distinct_on

from job_service.application.reuse_ports import Reusable
from job_service.domain.job import JobState
from job_service.storage import rows
from job_service.storage.artifacts import OUTPUT
from job_service.storage.tables import ARTIFACTS, JOBS, TARGETS


class SqlReuseRows:
    """Results of ended jobs, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, tenant_id: UUID, work_hashes: Collection[bytes]) -> Mapping[bytes, Reusable]:
        """Return for each hash the newest COMPLETED job all of whose outputs are kept.

        The outputs cannot be removed until the transaction ends: whoever
        removes or expires them locks their rows first.
        """
        gone = exists().where(
            ARTIFACTS.c.job_id == JOBS.c.job_id,
            ARTIFACTS.c.role == OUTPUT,
            ARTIFACTS.c.expired_at.is_not(None),
        )
        candidates = self._connection.execute(
            select(JOBS.c.work_hash, JOBS.c.job_id)
            .where(
                JOBS.c.tenant_id == tenant_id,
                JOBS.c.work_hash.in_(work_hashes),
                JOBS.c.state == JobState.COMPLETED,
                ~gone,
            )
            .ext(distinct_on(JOBS.c.work_hash))
            .order_by(JOBS.c.work_hash, JOBS.c.finished_at.desc())
        ).all()
        found: dict[bytes, Reusable] = {}
        for work_hash, job_id in candidates:
            outputs = self._connection.execute(
                select(ARTIFACTS)
                .where(
                    ARTIFACTS.c.job_id == job_id,
                    ARTIFACTS.c.role == OUTPUT,
                    ARTIFACTS.c.expired_at.is_(None),
                )
                .order_by(ARTIFACTS.c.created_at, ARTIFACTS.c.position)
                .with_for_update(read=True, key_share=True, skip_locked=True)
            ).mappings()
            reusable = Reusable(job_id, tuple(rows.read_artifact(row) for row in outputs))
            # What was being removed just now is left out: then there is nothing to reuse.
            if self._is_whole(reusable):
                found[bytes(work_hash)] = reusable
        return found

    def _is_whole(self, reusable: Reusable) -> bool:
        of_job = ARTIFACTS.c.job_id == reusable.job_id
        keys = select(ARTIFACTS.c.artifact_id).where(of_job, ARTIFACTS.c.role == OUTPUT)
        targets = select(TARGETS.c.key).where(TARGETS.c.job_id == reusable.job_id)
        made = {output.target_key for output in reusable.outputs}
        return (
            len(self._connection.execute(keys).all()) == len(reusable.outputs)
            and set(self._connection.execute(targets).scalars()) <= made
        )
