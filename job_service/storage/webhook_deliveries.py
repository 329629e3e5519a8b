"""Events on their way to webhooks; see `webhook_tables` for what makes these rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    RowMapping,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql

from job_service.application.job_query import Cursor
from job_service.application.webhook_ports import Claimed
from job_service.domain.events import JobEvent
from job_service.domain.webhook import (
    Attempt,
    AttemptError,
    Delivery,
    DeliveryState,
    Standing,
    Verdict,
    WebhookState,
)
from job_service.storage.json_forms import read_fact
from job_service.storage.tables import JOB_EVENTS, JOBS
from job_service.storage.webhook_tables import WEBHOOK_ATTEMPTS, WEBHOOK_DELIVERIES, WEBHOOKS
from job_service.storage.webhooks import sealed_secrets

_D = WEBHOOK_DELIVERIES.c
_SHOWN_ATTEMPTS = 20


class SqlDeliveryRows:
    """Deliveries as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(
        self, slots: int, per_webhook: int, busy: Collection[UUID], claim: timedelta
    ) -> Sequence[Claimed]:
        """Claim deliveries that are due, the first one of each job, skipping what others claim."""
        heads = self._heads(slots, per_webhook, busy)
        if not heads:
            return ()
        claim_id = uuid4()
        self._connection.execute(
            update(WEBHOOK_DELIVERIES)
            .where(_D.delivery_id.in_(heads))
            .values(claim_id=claim_id, due_at=func.clock_timestamp() + claim)
        )
        found = self._connection.execute(
            select(
                _D.delivery_id,
                WEBHOOKS,
                JOB_EVENTS,
                JOBS.c.kind.label("job_kind"),
                JOBS.c.labels,
                JOBS.c.traceparent,
                func.clock_timestamp().label("claimed_at"),
            )
            .select_from(WEBHOOK_DELIVERIES)
            .join(WEBHOOKS)
            .join(JOB_EVENTS)
            .join(JOBS, JOBS.c.job_id == JOB_EVENTS.c.job_id)
            .where(_D.delivery_id.in_(heads))
        )
        return [
            Claimed(
                delivery_id=row.delivery_id,
                claim_id=claim_id,
                webhook_id=row.webhook_id,
                tenant_id=row.tenant_id,
                url=row.url,
                secrets=sealed_secrets(row.secret, row.previous_secret, row.previous_until),
                failing=row.failures > 0,
                event=JobEvent(
                    row.job_id, row.sequence, row.occurred_at, read_fact(row.kind, row.fact)
                ),
                job_kind=row.job_kind,
                labels=dict(row.labels),
                traceparent=row.traceparent,
                claimed_at=row.claimed_at,
            )
            for row in found
        ]

    def _heads(self, slots: int, per_webhook: int, busy: Collection[UUID]) -> list[UUID]:
        """Lock what may be tried now: what is due, and nothing before it in its job is pending."""
        earlier = WEBHOOK_DELIVERIES.alias("earlier")
        now = func.clock_timestamp()
        chosen = (
            select(WEBHOOKS.c.webhook_id, WEBHOOKS.c.failures)
            .where(
                WEBHOOKS.c.state == WebhookState.ENABLED,
                or_(WEBHOOKS.c.resume_at.is_(None), WEBHOOKS.c.resume_at <= now),
                WEBHOOKS.c.webhook_id.not_in(busy),
                exists().where(
                    _D.webhook_id == WEBHOOKS.c.webhook_id,
                    _D.state == DeliveryState.PENDING,
                    _D.due_at <= now,
                ),
            )
            # By chance, so that those with much to be told do not keep others waiting.
            .order_by(func.random())
            .limit(slots)
            .subquery("chosen")
        )
        of_webhook = (
            select(_D.delivery_id)
            .where(
                _D.webhook_id == chosen.c.webhook_id,
                _D.state == DeliveryState.PENDING,
                _D.due_at <= now,
                ~exists().where(
                    earlier.c.webhook_id == _D.webhook_id,
                    earlier.c.job_id == _D.job_id,
                    earlier.c.sequence < _D.sequence,
                    earlier.c.state == DeliveryState.PENDING,
                ),
            )
            .order_by(_D.due_at, _D.sequence)
            # One that fails is asked for one thing at a time until it succeeds.
            .limit(case((chosen.c.failures > 0, 1), else_=per_webhook))
            .with_for_update(skip_locked=True)
            .correlate(chosen)
            .lateral("head")
        )
        wanted = (
            select(of_webhook.c.delivery_id)
            .select_from(chosen.join(of_webhook, true()))
            .limit(slots)
        )
        return list(self._connection.execute(wanted).scalars())

    def has_receivers(self) -> bool:
        """Tell whether any webhook is enabled."""
        enabled = exists().where(WEBHOOKS.c.state == WebhookState.ENABLED)
        return bool(self._connection.execute(select(enabled)).scalar_one())

    def lock(self, claimed: Claimed) -> tuple[int, Standing] | None:
        """Lock a webhook and a delivery to it, in this order as whoever removes the webhook."""
        webhook = self._connection.execute(
            select(WEBHOOKS.c.failures, WEBHOOKS.c.failing_since)
            .where(WEBHOOKS.c.webhook_id == claimed.webhook_id)
            .with_for_update(key_share=True)
        ).one_or_none()
        tries = self._connection.execute(
            select(_D.tries)
            .where(
                _D.delivery_id == claimed.delivery_id,
                _D.claim_id == claimed.claim_id,
                _D.state == DeliveryState.PENDING,
            )
            .with_for_update()
        ).scalar_one_or_none()
        if webhook is None or tries is None:
            return None
        return tries, Standing(webhook.failures, webhook.failing_since)

    def settle(self, claimed: Claimed, attempt: Attempt, verdict: Verdict) -> None:
        """Write an attempt and what came of it; both must be locked."""
        ended = verdict.state is not DeliveryState.PENDING
        number = self._connection.execute(
            update(WEBHOOK_DELIVERIES)
            .where(_D.delivery_id == claimed.delivery_id)
            .values(
                state=verdict.state,
                tries=_D.tries + 1,
                attempt_count=_D.attempt_count + 1,
                due_at=verdict.due_at,
                claim_id=None,
                ended_at=verdict.due_at if ended else None,
            )
            .returning(_D.attempt_count)
        ).scalar_one()
        self._connection.execute(
            insert(WEBHOOK_ATTEMPTS).values(
                delivery_id=claimed.delivery_id,
                number=number,
                started_at=attempt.started_at,
                duration=attempt.duration,
                http_status=attempt.http_status,
                error=attempt.error,
            )
        )
        if not ended:
            # Those behind it need not be looked at before it is due.
            self._connection.execute(
                update(WEBHOOK_DELIVERIES)
                .where(
                    _D.webhook_id == claimed.webhook_id,
                    _D.job_id == claimed.event.job_id,
                    _D.sequence > claimed.event.sequence,
                    _D.state == DeliveryState.PENDING,
                    _D.due_at < verdict.due_at,
                )
                .values(due_at=verdict.due_at)
            )
        self._settle_webhook(claimed.webhook_id, verdict)

    def _settle_webhook(self, webhook_id: UUID, verdict: Verdict) -> None:
        standing = verdict.standing
        values: dict[str, object] = {
            "failures": standing.failures,
            "failing_since": standing.failing_since,
            "resume_at": verdict.resume_at,
        }
        if verdict.disable is not None:
            values["state"] = WebhookState.DISABLED
            values["disabled_reason"] = func.coalesce(
                WEBHOOKS.c.disabled_reason, verdict.disable.value
            )
        unchanged = verdict.disable is None and WEBHOOKS.c.failures.is_not_distinct_from(
            standing.failures
        ) & WEBHOOKS.c.resume_at.is_not_distinct_from(verdict.resume_at)
        changing = update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id).values(**values)
        # Most attempts succeed after another that did: the row is not written again for those.
        self._connection.execute(changing if unchanged is False else changing.where(~unchanged))

    def due(self, webhook_id: UUID, job_id: UUID, sequence: int) -> None:
        """Let an event be delivered now, whether it was before or not."""
        now = func.clock_timestamp()
        self._connection.execute(
            postgresql.insert(WEBHOOK_DELIVERIES)
            .values(
                delivery_id=_new_id(sequence),
                webhook_id=webhook_id,
                job_id=job_id,
                sequence=sequence,
                due_at=now,
                created_at=now,
            )
            .on_conflict_do_update(
                index_elements=["job_id", "sequence", "webhook_id"],
                set_={
                    "state": DeliveryState.PENDING,
                    "tries": 0,
                    "due_at": now,
                    "ended_at": None,
                },
                # What is just being tried is on its way already.
                where=_D.claim_id.is_(None),
            )
        )

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


def _new_id(sequence: int) -> UUID:
    """Choose an id as the trigger does (RFC 9562, section 5.8)."""
    digits = uuid4().hex
    return UUID(f"{sequence:012x}8{digits[13:]}")
