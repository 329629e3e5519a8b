"""Jobs out of their retry budget, and what was made of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, select, tuple_

from job_service.application.job_query import Cursor
from job_service.application.upkeep_ports import DeadLetter
from job_service.domain.job import JobState
from job_service.domain.redrive import Redone
from job_service.storage.json_forms import read_failure
from job_service.storage.tables import JOBS


class SqlDeadLetterRows:
    """Dead letters as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, tenant_id: UUID, limit: int, after: Cursor | None) -> Sequence[DeadLetter]:
        """Return dead letters, the newest first, by their position."""
        wanted = select(
            JOBS.c.job_id, JOBS.c.kind, JOBS.c.error, JOBS.c.attempts, JOBS.c.finished_at
        ).where(JOBS.c.tenant_id == tenant_id, JOBS.c.state == JobState.DEAD_LETTERED)
        if after is not None:
            position = tuple_(JOBS.c.finished_at, JOBS.c.job_id)
            wanted = wanted.where(position < (after.created_at, after.job_id))
        found = self._connection.execute(
            wanted.order_by(JOBS.c.finished_at.desc(), JOBS.c.job_id.desc()).limit(limit)
        ).all()
        redone = self.redone(tenant_id, [row.job_id for row in found])
        return [
            DeadLetter(
                job_id=row.job_id,
                kind=row.kind,
                error=read_failure(row.error),
                attempts=row.attempts,
                finished_at=row.finished_at,
                replay_job_ids=tuple(one.job_id for one in redone.get(row.job_id, ())),
            )
            for row in found
        ]

    def redone(self, tenant_id: UUID, job_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Redone]]:
        """Return the jobs made from each of these, oldest first."""
        found = self._connection.execute(
            select(JOBS.c.parent_job_id, JOBS.c.job_id, JOBS.c.state)
            .where(JOBS.c.tenant_id == tenant_id, JOBS.c.parent_job_id.in_(job_ids))
            .order_by(JOBS.c.created_at, JOBS.c.job_id)
        )
        made: defaultdict[UUID, list[Redone]] = defaultdict(list)
        for row in found:
            made[row.parent_job_id].append(Redone(row.job_id, JobState(row.state)))
        return made
