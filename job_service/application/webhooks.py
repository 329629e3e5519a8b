"""A tenant's webhooks: kept, listed, enabled, tried and removed, and what became of deliveries."""

from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from babelmill.kit.wire.webhook_signatures import new_secret, signed_headers
from job_service.application.job_query import Cursor
from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWork, UnitOfWorkFactory
from job_service.application.secret_box import SecretBox, SecretUnreadable
from job_service.application.webhook_payload import MEDIA_TYPE, ping_body
from job_service.domain.accounts import Action
from job_service.domain.errors import (
    JobNotFound,
    SecretsDisabled,
    SequenceBeyondEnd,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookNotFound,
)
from job_service.domain.ids import uuid7
from job_service.domain.principal import Principal
from job_service.domain.webhook import (
    USUAL_EVENTS,
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    EventSort,
    Webhook,
    WebhookState,
)

OLD_SECRET_TTL = timedelta(hours=24)
_JOBS_A_RECOVERY = 1000
_DELIVERIES_A_REMOVAL = 10_000


class Webhooks:
    """Keeps webhooks. Whether an address may be called is judged before it comes here.

    Events leave the house by webhooks: who changes them is told by the audit log.
    """

    def __init__(
        self, *, units: UnitOfWorkFactory, limits: Limits, secrets: SecretBox | None
    ) -> None:
        self._units = units
        self._limits = limits
        self._secrets = secrets

    def create(
        self,
        tenant_id: UUID,
        url: str,
        events: Collection[EventSort],
        description: str,
        actor: Principal | None = None,
    ) -> tuple[Webhook, str]:
        """Keep a webhook and return it with its secret.

        Raises SecretsDisabled, TooManyWebhooks.
        """
        box = self._box()
        secret = new_secret()
        with self._units.write() as uow:
            if uow.webhooks.count(tenant_id) >= self._limits.max_webhooks:
                raise TooManyWebhooks(limit=str(self._limits.max_webhooks))
            now = uow.now()
            made = Webhook(
                webhook_id=uuid7(now),
                url=url,
                description=description,
                events=tuple(dict.fromkeys(events)) or USUAL_EVENTS,
                created_at=now,
            )
            uow.webhooks.insert(tenant_id, made, box.seal(tenant_id, made.webhook_id, secret))
            _tell(uow, Action.WEBHOOK_CREATE, actor, made.webhook_id, host=_host(url))
        return made, secret

    def get(self, tenant_id: UUID, webhook_id: UUID) -> Webhook:
        """Return a webhook. Raises WebhookNotFound."""
        with self._units.read() as uow:
            return _found(uow, tenant_id, webhook_id)

    def list_all(self, tenant_id: UUID) -> list[Webhook]:
        """Return the webhooks, oldest first."""
        with self._units.read() as uow:
            return list(uow.webhooks.list(tenant_id))

    def delete(self, tenant_id: UUID, webhook_id: UUID, actor: Principal | None = None) -> None:
        """Remove a webhook and its deliveries. Raises WebhookNotFound.

        There can be more deliveries than one transaction has time for: they go first, in
        parts, while the webhook is disabled. Cut short, it goes on when it is repeated.
        """
        with self._units.write() as uow:
            if not uow.webhooks.disable(tenant_id, webhook_id, DisabledReason.BY_REQUEST):
                raise WebhookNotFound(webhook_id=str(webhook_id))
        removed = _DELIVERIES_A_REMOVAL
        while removed == _DELIVERIES_A_REMOVAL:
            with self._units.write() as uow:
                removed = uow.delivery_log.remove(webhook_id, _DELIVERIES_A_REMOVAL)
        with self._units.write() as uow:
            if not uow.webhooks.delete(tenant_id, webhook_id):
                raise WebhookNotFound(webhook_id=str(webhook_id))
            _tell(uow, Action.WEBHOOK_DELETE, actor, webhook_id)

    def enable(self, tenant_id: UUID, webhook_id: UUID, actor: Principal | None = None) -> Webhook:
        """Let a webhook be told of events. Raises WebhookNotFound."""
        with self._units.write() as uow:
            uow.webhooks.enable(tenant_id, webhook_id)
            found = _found(uow, tenant_id, webhook_id)
            _tell(uow, Action.WEBHOOK_ENABLE, actor, webhook_id)
        return found

    def disable(self, tenant_id: UUID, webhook_id: UUID, actor: Principal | None = None) -> Webhook:
        """Let a webhook be told of nothing. Raises WebhookNotFound."""
        with self._units.write() as uow:
            uow.webhooks.disable(tenant_id, webhook_id, DisabledReason.BY_REQUEST)
            found = _found(uow, tenant_id, webhook_id)
            _tell(uow, Action.WEBHOOK_DISABLE, actor, webhook_id)
        return found

    def rotate_secret(
        self, tenant_id: UUID, webhook_id: UUID, actor: Principal | None = None
    ) -> str:
        """Make a new secret and return it; the last one stays in use for a day.

        Raises WebhookNotFound, SecretsDisabled.
        """
        box = self._box()
        secret = new_secret()
        sealed = box.seal(tenant_id, webhook_id, secret)
        with self._units.write() as uow:
            until = uow.now() + OLD_SECRET_TTL
            if not uow.webhooks.rotate(tenant_id, webhook_id, sealed, until):
                raise WebhookNotFound(webhook_id=str(webhook_id))
            _tell(uow, Action.WEBHOOK_ROTATE_SECRET, actor, webhook_id)
        return secret

    def list_deliveries(
        self,
        tenant_id: UUID,
        webhook_id: UUID,
        states: Collection[DeliveryState],
        page_size: int,
        after: Cursor | None,
    ) -> tuple[list[Delivery], Cursor | None]:
        """Return a page of deliveries, newest first, and where the next begins.

        Raises WebhookNotFound.
        """
        with self._units.read() as uow:
            _found(uow, tenant_id, webhook_id)
            found = list(uow.delivery_log.page(webhook_id, states, page_size + 1, after))
        if len(found) <= page_size:
            return found, None
        page = found[:page_size]
        return page, Cursor(page[-1].created_at, page[-1].delivery_id)

    def redeliver(self, tenant_id: UUID, webhook_id: UUID, job_id: UUID, sequence: int) -> Delivery:
        """Let an event be sent again, or for the first time.

        Raises WebhookNotFound, WebhookDisabled, JobNotFound, SequenceBeyondEnd.
        """
        with self._units.write() as uow:
            if _found(uow, tenant_id, webhook_id).state is WebhookState.DISABLED:
                raise WebhookDisabled(webhook_id=str(webhook_id))
            if not uow.jobs.exists(tenant_id, job_id):
                raise JobNotFound(job_id=str(job_id))
            event = next(iter(uow.jobs.events_after(job_id, sequence - 1, 1)), None)
            if event is None or event.sequence != sequence:
                raise SequenceBeyondEnd
            uow.delivery_log.due(webhook_id, job_id, sequence)
            delivery = uow.delivery_log.find(webhook_id, job_id, sequence)
        assert delivery is not None
        return delivery

    def recover(
        self, tenant_id: UUID, webhook_id: UUID, since: datetime
    ) -> tuple[int, datetime | None]:
        """Send what a webhook has missed of jobs created since then, the oldest first.

        Returns how many events are on their way, and when to go on from if there is more.
        Raises WebhookNotFound, WebhookDisabled.
        """
        with self._units.write() as uow:
            if _found(uow, tenant_id, webhook_id).state is WebhookState.DISABLED:
                raise WebhookDisabled(webhook_id=str(webhook_id))
            return uow.delivery_log.recover(tenant_id, webhook_id, since, _JOBS_A_RECOVERY)

    def prepare_ping(
        self, tenant_id: UUID, webhook_id: UUID
    ) -> tuple[str, dict[str, str], bytes, Attempt]:
        """Return where and what to send as a ping, and the attempt as it begins.

        Raises WebhookNotFound, SecretsDisabled.
        """
        box = self._box()
        with self._units.read() as uow:
            webhook = _found(uow, tenant_id, webhook_id)
            secrets = uow.webhooks.secrets(tenant_id, webhook_id)
            now = uow.now()
        if secrets is None:
            raise WebhookNotFound(webhook_id=str(webhook_id))
        try:
            secret = box.open(tenant_id, webhook_id, secrets.current)
        except SecretUnreadable:
            raise SecretsDisabled(
                "The webhook's secret was kept with another key; rotate it."
            ) from None
        ping_id = f"ping-{uuid7(now)}"
        body = ping_body(webhook_id, ping_id, now)
        headers = signed_headers([secret], ping_id, int(now.timestamp()), body)
        return (
            webhook.url,
            {"content-type": MEDIA_TYPE, **headers},
            body,
            Attempt(now, timedelta(), 0, None),
        )

    def _box(self) -> SecretBox:
        if self._secrets is None:
            raise SecretsDisabled
        return self._secrets


def _tell(
    uow: UnitOfWork, action: Action, actor: Principal | None, webhook_id: UUID, **details: str
) -> None:
    uow.audit.append(
        uuid7(uow.now()),
        action,
        actor,
        tenant=None,
        subject=f"webhook/{webhook_id}",
        details=details,
    )


def _host(url: str) -> str:
    """Name where an address leads; the rest of it may be a secret of the receiver's."""
    return urlsplit(url).hostname or ""


def _found(uow: UnitOfWork, tenant_id: UUID, webhook_id: UUID) -> Webhook:
    found = uow.webhooks.find(tenant_id, webhook_id)
    if found is None:
        raise WebhookNotFound(webhook_id=str(webhook_id))
    return found
