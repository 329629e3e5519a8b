"""Events on their way to webhooks: claimed, signed, and settled by what was answered.

A claim is for one replica and for a time; its outcome is taken only while no newer claim has been
made. So two replicas never try the same event at once, and one that froze cannot overwrite what
the other has written. What froze between sending and settling is sent twice, under one id.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.webhook_signatures import signed_headers
from job_service.application.ports import UnitOfWorkFactory
from job_service.application.secret_box import SecretBox, SecretUnreadable
from job_service.application.webhook_payload import MEDIA_TYPE, event_body, message_id
from job_service.application.webhook_ports import Claimed
from job_service.domain.webhook import Answer, Attempt, DeliveryRules, Verdict, judge

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent."""

    headers: dict[str, str]
    body: bytes


class WebhookDelivery:
    """Gives out deliveries and takes their outcomes."""

    def __init__(
        self,
        *,
        units: UnitOfWorkFactory,
        secrets: SecretBox | None,
        rules: DeliveryRules,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._units = units
        self._secrets = secrets
        self._rules = rules
        self._jitter = jitter

    def claim(
        self, slots: int, per_webhook: int, busy: Collection[UUID]
    ) -> Sequence[Claimed] | None:
        """Claim up to `slots` deliveries, none of the webhooks in `busy`.

        None if there is nobody to tell of anything.
        """
        if self._secrets is None:
            return None
        with self._units.write() as uow:
            if not uow.deliveries.has_receivers():
                return None
            return uow.deliveries.claim(slots, per_webhook, busy, self._rules.claim)

    def message(self, claimed: Claimed) -> Message | None:
        """Write and sign an event; None if the webhook's secret cannot be read."""
        body = event_body(
            claimed.event,
            job_kind=claimed.job_kind,
            labels=claimed.labels,
            traceparent=claimed.traceparent,
        )
        secrets = claimed.secrets
        sealed = [secrets.current]
        if secrets.previous is not None and secrets.previous_until is not None:
            sealed += [secrets.previous] if claimed.claimed_at < secrets.previous_until else []
        assert self._secrets is not None
        try:
            opened = [self._secrets.open(claimed.tenant_id, claimed.webhook_id, s) for s in sealed]
        except SecretUnreadable:
            _log.error("webhook_secret_unreadable", webhook_id=str(claimed.webhook_id))
            return None
        timestamp = int(claimed.claimed_at.timestamp())
        headers = signed_headers(opened, message_id(claimed.event), timestamp, body)
        return Message({"content-type": MEDIA_TYPE, **headers}, body)

    def settle(self, claimed: Claimed, answer: Answer) -> Verdict | None:
        """Write what came of an attempt; None if the claim was not the newest any more."""
        with self._units.write() as uow:
            locked = uow.deliveries.lock(claimed)
            if locked is None:
                return None
            tries, standing = locked
            verdict = judge(
                answer,
                tries + 1,
                standing,
                self._rules,
                now=uow.now(),
                jitter=self._jitter(),
            )
            attempt = Attempt(claimed.claimed_at, answer.duration, answer.http_status, answer.error)
            uow.deliveries.settle(claimed, attempt, verdict)
        return verdict
