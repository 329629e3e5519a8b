"""How much waits, runs and ends: counted along the indexes of the relay and the reaper."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from job_service.application.upkeep_ports import Standing
from job_service.domain.job import Priority, StepState
from job_service.storage.rows import PRIORITIES
from job_service.storage.tables import JOBS, STEPS

_Counts = dict[tuple[str, Priority], tuple[int, timedelta | None]]

# Since when a step waits. Its creation, unless it waited for another step or
# an attempt first; then a published one knows, and any other is about as old
# as its wish to be published.
_WAITS_SINCE = case(
    (
        (STEPS.c.generation == 1)
        & (func.cardinality(STEPS.c.depends_on) == 0)
        & (func.cardinality(STEPS.c.awaits) == 0),
        STEPS.c.created_at,
    ),
    (STEPS.c.state == StepState.QUEUED, STEPS.c.queued_at),
    else_=STEPS.c.publish_at,
)


class SqlQueueFigures:
    """Counts as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def standings(self, window: timedelta, tenant_id: UUID | None = None) -> list[Standing]:
        """Count steps by kind and priority; `ended` are those of the last `window`."""

        def count(
            wanted: ColumnElement[bool], since: ColumnElement[object] | None = None
        ) -> _Counts:
            return self._count(wanted, since, tenant_id)

        # One statement for each index, so that none of them reads the table.
        ready = count(STEPS.c.state.in_((StepState.PENDING, StepState.QUEUED)), _WAITS_SINCE)
        waiting = count(STEPS.c.state == StepState.RETRY_WAIT, STEPS.c.not_before)
        leased = count(STEPS.c.state.in_((StepState.IN_PROGRESS, StepState.CANCELLING)))
        ended = count(STEPS.c.finished_at > func.now() - literal(window))
        nothing = (0, None)
        return [
            Standing(
                kind=kind,
                priority=priority,
                waiting=ready.get((kind, priority), nothing)[0]
                + waiting.get((kind, priority), nothing)[0],
                leased=leased.get((kind, priority), nothing)[0],
                ended=ended.get((kind, priority), nothing)[0],
                oldest_age=_oldest(
                    ready.get((kind, priority), nothing)[1],
                    waiting.get((kind, priority), nothing)[1],
                ),
            )
            for kind, priority in sorted({*ready, *waiting, *leased, *ended})
        ]

    def jobs_ended(self, tenant_id: UUID, window: timedelta) -> int:
        """Count a tenant's jobs that ended within the last `window`."""
        return self._connection.execute(
            select(func.count()).where(
                JOBS.c.finished_at > func.now() - literal(window), JOBS.c.tenant_id == tenant_id
            )
        ).scalar_one()

    def _count(
        self,
        wanted: ColumnElement[bool],
        since: ColumnElement[object] | None,
        tenant_id: UUID | None,
    ) -> _Counts:
        age = literal(None) if since is None else func.clock_timestamp() - func.min(since)
        counted = select(
            STEPS.c.kind, STEPS.c.priority_rank, func.count().label("steps"), age.label("age")
        ).where(wanted)
        if tenant_id is not None:
            counted = counted.join(JOBS, JOBS.c.job_id == STEPS.c.job_id).where(
                JOBS.c.tenant_id == tenant_id
            )
        found = self._connection.execute(counted.group_by(STEPS.c.kind, STEPS.c.priority_rank))
        return {(row.kind, PRIORITIES[row.priority_rank]): (row.steps, row.age) for row in found}


def _oldest(*ages: timedelta | None) -> timedelta | None:
    """Choose the greatest age; one that has not begun, as of a wait that is not over, is none."""
    return max((age for age in ages if age is not None and age >= timedelta()), default=None)
