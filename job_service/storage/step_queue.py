"""Which steps the relay must send and which jobs the reaper must see to."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    SmallInteger,
    case,
    column,
    func,
    literal,
    or_,
    select,
    true,
    union,
    update,
)

from job_service.application.ports import DueStep
from job_service.domain.job import FINAL_JOB_STATES, JobState, StepState
from job_service.storage.rows import PRIORITIES
from job_service.storage.tables import JOBS, STEPS

_UNSENT_STATES = (StepState.PENDING, StepState.QUEUED)
_LIVE_JOB_STATES = tuple(state for state in JobState if state not in FINAL_JOB_STATES)


class SqlStepQueue:
    """The queue as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim_due(self, limit: int, claim: timedelta) -> Sequence[DueStep]:
        """Claim due steps, urgent first; a walk along the index for each priority.

        Locks steps without their jobs. That is safe, because it waits for
        nothing: what is locked is skipped.
        """
        now = func.clock_timestamp()
        # Not VALUES, which SQLAlchemy would compile anew for every call.
        ranks = (
            func.unnest(literal(sorted(PRIORITIES), ARRAY(SmallInteger)))
            .table_valued(column("rank", SmallInteger), name="ranks")
            .render_derived()
        )
        of_rank = (
            select(STEPS.c.step_id)
            .where(
                STEPS.c.priority_rank == ranks.c.rank,
                STEPS.c.publish_at <= func.now(),
                STEPS.c.state.in_(_UNSENT_STATES),
            )
            .order_by(STEPS.c.publish_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .lateral("of_rank")
        )
        due = (
            select(of_rank.c.step_id)
            .select_from(ranks.join(of_rank, true()))
            .order_by(ranks.c.rank)
            .limit(limit)
            .cte("due")
        )
        claimed = self._connection.execute(
            update(STEPS)
            .where(STEPS.c.step_id == due.c.step_id, JOBS.c.job_id == STEPS.c.job_id)
            .values(publish_at=now + claim)
            .returning(
                STEPS.c.step_id,
                STEPS.c.generation,
                STEPS.c.kind,
                STEPS.c.priority_rank,
                STEPS.c.created_at,
                STEPS.c.job_id,
                STEPS.c.position,
                STEPS.c.name,
                JOBS.c.traceparent,
            )
        ).all()
        # A text's chunks come into being together; its reader begins with the first.
        claimed = sorted(
            claimed,
            key=lambda row: (row.priority_rank, row.created_at, row.job_id, row.position),
        )
        return [
            DueStep(
                step_id=row.step_id,
                generation=row.generation,
                kind=row.kind,
                priority=PRIORITIES[row.priority_rank],
                traceparent=row.traceparent,
                job_id=row.job_id,
                name=row.name,
            )
            for row in claimed
        ]

    def mark_published(self, step_ids: Collection[UUID], waits: Sequence[timedelta]) -> None:
        """Set when they are due again if nobody takes them, by how often they were sent."""
        sent = STEPS.c.times_published + 1
        wait = case(
            *((sent == count, literal(wait)) for count, wait in enumerate(waits[:-1], start=1)),
            else_=literal(waits[-1]),
        )
        self._connection.execute(
            update(STEPS)
            .where(STEPS.c.step_id.in_(step_ids), STEPS.c.state == StepState.QUEUED)
            .values(publish_at=func.clock_timestamp() + wait, times_published=sent)
        )

    def make_due(self, step_ids: Collection[UUID]) -> None:
        """Make steps due now."""
        due = _unlocked(STEPS.c.step_id.in_(step_ids), STEPS.c.state.in_(_UNSENT_STATES))
        self._connection.execute(
            update(STEPS).where(STEPS.c.step_id.in_(due)).values(publish_at=func.clock_timestamp())
        )

    def make_all_queued_due(self) -> int:
        """Make every QUEUED step due now; return how many."""
        due = _unlocked(STEPS.c.state == StepState.QUEUED)
        return self._connection.execute(
            update(STEPS)
            .where(STEPS.c.step_id.in_(due))
            .values(publish_at=func.clock_timestamp(), times_published=0)
        ).rowcount

    def bring_near(self, longest_wait: timedelta, lease_ttl: timedelta) -> int:
        """Bring near what lies further ahead than it can: the clock was set back.

        Unsent steps become due, and leases end a time to live from now at the
        latest. Return how many steps were moved.
        """
        now = func.clock_timestamp()
        unsent = _unlocked(
            STEPS.c.state.in_(_UNSENT_STATES), STEPS.c.publish_at > now + longest_wait
        )
        leased = _unlocked(
            STEPS.c.state.in_((StepState.IN_PROGRESS, StepState.CANCELLING)),
            STEPS.c.lease_expires_at > now + 2 * lease_ttl,
        )
        made_due = self._connection.execute(
            update(STEPS).where(STEPS.c.step_id.in_(unsent)).values(publish_at=now)
        ).rowcount
        shortened = self._connection.execute(
            update(STEPS)
            .where(STEPS.c.step_id.in_(leased))
            .values(lease_expires_at=now + lease_ttl)
        ).rowcount
        return made_due + shortened

    def count_queued_due(self) -> int:
        """Count QUEUED steps that nobody has taken in time."""
        return self._connection.execute(
            select(func.count()).where(
                # Says nothing new, but lets the index be used.
                STEPS.c.priority_rank.in_(PRIORITIES),
                STEPS.c.state == StepState.QUEUED,
                STEPS.c.publish_at <= func.now(),
            )
        ).scalar_one()

    def overdue_jobs(
        self,
        limit: int,
        timeout_grace: timedelta,
        cancel_limit: timedelta,
        *,
        spare_leases: bool = False,
    ) -> Sequence[UUID]:
        """Name jobs that time has something to do to."""
        now = func.now()
        leased = select(STEPS.c.job_id).where(
            STEPS.c.state.in_((StepState.IN_PROGRESS, StepState.CANCELLING)),
            or_(
                (STEPS.c.lease_expires_at <= now) & literal(not spare_leases),
                (STEPS.c.attempt_started_at + STEPS.c.timeout + timeout_grace <= now)
                & (STEPS.c.lease_expires_at > now),
                STEPS.c.cancel_requested_at + cancel_limit <= now,
            ),
        )
        waited = select(STEPS.c.job_id).where(
            STEPS.c.state == StepState.RETRY_WAIT, STEPS.c.not_before <= now
        )
        late = select(JOBS.c.job_id).where(
            JOBS.c.deadline_at <= now, JOBS.c.state.in_(_LIVE_JOB_STATES)
        )
        return self._connection.execute(union(leased, waited, late).limit(limit)).scalars().all()


def _unlocked(*conditions: ColumnElement[bool]) -> Select[tuple[UUID]]:
    """Lock the steps that match and that nobody is changing just now.

    Whoever changes them holds their job's lock, which is not held here;
    waiting for them could be waiting for each other.
    """
    return select(STEPS.c.step_id).where(*conditions).with_for_update(skip_locked=True)
