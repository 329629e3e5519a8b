"""Events on their way to webhooks; see `webhook_tables` for what makes these rows."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from job_service.application.webhook_ports import Claimed
from job_service.domain.events import JobEvent
from job_service.domain.webhook import (
    Attempt,
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
