"""What became of deliveries to webhooks, and sending events again."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Connection,
    RowMapping,
    delete,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects import postgresql

from job_service.application.job_query import Cursor
from job_service.domain.webhook import (
    Attempt,
    AttemptError,
    Delivery,
    DeliveryState,
)
from job_service.storage.tables import JOB_EVENTS, JOBS
from job_service.storage.webhook_tables import WEBHOOK_ATTEMPTS, WEBHOOK_DELIVERIES, WEBHOOKS

_D = WEBHOOK_DELIVERIES.c
_SHOWN_ATTEMPTS = 20
_DUE_AGAIN: Mapping[str, object] = {
    "state": DeliveryState.PENDING,
    "tries": 0,
    "ended_at": None,
}


class SqlDeliveryLog:
    """Deliveries and their attempts as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, webhook_id: UUID, job_id: UUID, sequence: int) -> None:
        """Let an event be delivered now, whether it was before or not."""
        now = func.clock_timestamp()
        self._connection.execute(
            postgresql.insert(WEBHOOK_DELIVERIES)
            .values(
                delivery_id=func.webhook_delivery_id(sequence),
                webhook_id=webhook_id,
                job_id=job_id,
                sequence=sequence,
                due_at=now,
                created_at=now,
            )
            .on_conflict_do_update(
                index_elements=["job_id", "sequence", "webhook_id"],
                set_={**_DUE_AGAIN, "due_at": now},
                # What is just being tried is on its way already.
                where=_D.claim_id.is_(None),
            )
        )

    def remove(self, webhook_id: UUID, limit: int) -> int:
        """Remove up to so many deliveries to a webhook; return how many."""
        some = select(_D.delivery_id).where(_D.webhook_id == webhook_id).limit(limit)
        gone = self._connection.execute(delete(WEBHOOK_DELIVERIES).where(_D.delivery_id.in_(some)))
        return gone.rowcount

    def recover(
        self, tenant_id: UUID, webhook_id: UUID, since: datetime, most_jobs: int
    ) -> tuple[int, datetime | None]:
        """Let all that a webhook has missed of jobs created since then be delivered now."""
        found = self._connection.execute(
            select(JOBS.c.job_id, JOBS.c.created_at)
            .where(JOBS.c.tenant_id == tenant_id, JOBS.c.created_at >= since)
            .order_by(JOBS.c.created_at, JOBS.c.job_id)
            .limit(most_jobs + 1)
        ).all()
        rest = found[most_jobs].created_at if len(found) > most_jobs else None
        job_ids = [row.job_id for row in found[:most_jobs]]
        now = func.clock_timestamp()
        wanted = (
            select(
                func.webhook_delivery_id(JOB_EVENTS.c.sequence),
                WEBHOOKS.c.webhook_id,
                JOB_EVENTS.c.job_id,
                JOB_EVENTS.c.sequence,
                now,
                JOB_EVENTS.c.occurred_at,
            )
            .select_from(JOB_EVENTS.join(WEBHOOKS, WEBHOOKS.c.webhook_id == webhook_id))
            .where(
                JOB_EVENTS.c.job_id.in_(job_ids),
                func.webhook_wants(WEBHOOKS.c.events, JOB_EVENTS.c.kind, JOB_EVENTS.c.fact),
            )
        )
        columns = ["delivery_id", "webhook_id", "job_id", "sequence", "due_at", "created_at"]
        made = self._connection.execute(
            postgresql.insert(WEBHOOK_DELIVERIES)
            .from_select(columns, wanted)
            .on_conflict_do_update(
                index_elements=["job_id", "sequence", "webhook_id"],
                set_={**_DUE_AGAIN, "due_at": now},
                where=_D.state == DeliveryState.FAILED,
            )
        )
        return made.rowcount, rest

    def find(self, webhook_id: UUID, job_id: UUID, sequence: int) -> Delivery | None:
        """Return a delivery with its attempts."""
        wanted = select(WEBHOOK_DELIVERIES).where(
            _D.webhook_id == webhook_id, _D.job_id == job_id, _D.sequence == sequence
        )
        found = self._connection.execute(wanted).mappings().all()
        return next(iter(self._with_attempts(found)), None)

    def page(
        self,
        webhook_id: UUID,
        states: Collection[DeliveryState],
        limit: int,
        after: Cursor | None,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first."""
        wanted = select(WEBHOOK_DELIVERIES).where(_D.webhook_id == webhook_id)
        if states:
            wanted = wanted.where(_D.state.in_(states))
        if after is not None:
            position = tuple_(_D.created_at, _D.delivery_id)
            wanted = wanted.where(position < (after.created_at, after.job_id))
        newest_first = wanted.order_by(_D.created_at.desc(), _D.delivery_id.desc()).limit(limit)
        return self._with_attempts(self._connection.execute(newest_first).mappings().all())

    def _with_attempts(self, found: Sequence[RowMapping]) -> list[Delivery]:
        attempts = self._attempts([row["delivery_id"] for row in found])
        return [
            Delivery(
                delivery_id=row["delivery_id"],
                job_id=row["job_id"],
                sequence=row["sequence"],
                state=DeliveryState(row["state"]),
                attempts=tuple(attempts.get(row["delivery_id"], ())),
                attempt_count=row["attempt_count"],
                due_at=row["due_at"],
                created_at=row["created_at"],
                ended_at=row["ended_at"],
            )
            for row in found
        ]

    def _attempts(self, delivery_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Attempt]]:
        """Return the last attempts of each delivery, oldest first."""
        of_delivery = (
            select(WEBHOOK_ATTEMPTS)
            .where(WEBHOOK_ATTEMPTS.c.delivery_id == _D.delivery_id)
            .order_by(WEBHOOK_ATTEMPTS.c.number.desc())
            .limit(_SHOWN_ATTEMPTS)
            .correlate(WEBHOOK_DELIVERIES)
            .lateral("attempt")
        )
        found = self._connection.execute(
            select(of_delivery)
            .select_from(WEBHOOK_DELIVERIES.join(of_delivery, true()))
            .where(_D.delivery_id.in_(delivery_ids))
            .order_by(of_delivery.c.number)
        )
        attempts: defaultdict[UUID, list[Attempt]] = defaultdict(list)
        for row in found:
            error = AttemptError(row.error) if row.error else None
            attempts[row.delivery_id].append(
                Attempt(row.started_at, row.duration, row.http_status, error)
            )
        return attempts
