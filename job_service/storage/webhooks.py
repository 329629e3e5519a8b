"""Tenants' webhooks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from job_service.application.webhook_ports import SealedSecrets
from job_service.domain.webhook import DisabledReason, EventSort, Webhook, WebhookState
from job_service.storage.webhook_tables import WEBHOOKS


class SqlWebhookRows:
    """Webhooks as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, tenant_id: UUID, webhook: Webhook, secret: bytes) -> None:
        """Store a webhook."""
        self._connection.execute(
            insert(WEBHOOKS).values(
                webhook_id=webhook.webhook_id,
                tenant_id=tenant_id,
                url=webhook.url,
                description=webhook.description,
                events=list(webhook.events),
                state=webhook.state,
                secret=secret,
                created_at=webhook.created_at,
            )
        )

    def count(self, tenant_id: UUID) -> int:
        """Count a tenant's webhooks."""
        return self._connection.execute(
            select(func.count()).select_from(WEBHOOKS).where(WEBHOOKS.c.tenant_id == tenant_id)
        ).scalar_one()

    def find(self, tenant_id: UUID, webhook_id: UUID) -> Webhook | None:
        """Return a webhook."""
        row = (
            self._connection.execute(
                select(WEBHOOKS).where(
                    WEBHOOKS.c.tenant_id == tenant_id, WEBHOOKS.c.webhook_id == webhook_id
                )
            )
            .mappings()
            .one_or_none()
        )
        return None if row is None else _read(row)

    def list(self, tenant_id: UUID) -> Sequence[Webhook]:
        """Return the webhooks, oldest first."""
        found = self._connection.execute(
            select(WEBHOOKS)
            .where(WEBHOOKS.c.tenant_id == tenant_id)
            .order_by(WEBHOOKS.c.created_at, WEBHOOKS.c.webhook_id)
        ).mappings()
        return [_read(row) for row in found]

    def delete(self, tenant_id: UUID, webhook_id: UUID) -> bool:
        """Remove a webhook with its deliveries; tell whether it was there."""
        gone = self._connection.execute(
            delete(WEBHOOKS).where(
                WEBHOOKS.c.tenant_id == tenant_id, WEBHOOKS.c.webhook_id == webhook_id
            )
        )
        return gone.rowcount > 0

    def enable(self, tenant_id: UUID, webhook_id: UUID) -> bool:
        """Enable a webhook, with its failures forgotten; tell whether it is there."""
        return self._change(
            tenant_id,
            webhook_id,
            state=WebhookState.ENABLED,
            disabled_reason=None,
            failures=0,
            failing_since=None,
            resume_at=None,
        )

    def disable(self, tenant_id: UUID, webhook_id: UUID, reason: DisabledReason) -> bool:
        """Disable a webhook; one that is keeps its reason. Tell whether it is there."""
        return self._change(
            tenant_id,
            webhook_id,
            state=WebhookState.DISABLED,
            disabled_reason=func.coalesce(WEBHOOKS.c.disabled_reason, reason.value),
        )

    def secrets(self, tenant_id: UUID, webhook_id: UUID) -> SealedSecrets | None:
        """Return a webhook's secrets."""
        row = self._connection.execute(
            select(WEBHOOKS.c.secret, WEBHOOKS.c.previous_secret, WEBHOOKS.c.previous_until).where(
                WEBHOOKS.c.tenant_id == tenant_id, WEBHOOKS.c.webhook_id == webhook_id
            )
        ).one_or_none()
        if row is None:
            return None
        return sealed_secrets(row.secret, row.previous_secret, row.previous_until)

    def rotate(self, tenant_id: UUID, webhook_id: UUID, secret: bytes, until: datetime) -> bool:
        """Set a new secret; the last one stays beside it until then."""
        return self._change(
            tenant_id,
            webhook_id,
            previous_secret=WEBHOOKS.c.secret,
            previous_until=until,
            secret=secret,
        )

    def _change(self, tenant_id: UUID, webhook_id: UUID, **values: object) -> bool:
        changed = self._connection.execute(
            update(WEBHOOKS)
            .where(WEBHOOKS.c.tenant_id == tenant_id, WEBHOOKS.c.webhook_id == webhook_id)
            .values(**values)
        )
        return changed.rowcount > 0


def sealed_secrets(current: bytes, previous: bytes | None, until: datetime | None) -> SealedSecrets:
    """Read the secrets of a row."""
    return SealedSecrets(bytes(current), None if previous is None else bytes(previous), until)


def _read(row: RowMapping) -> Webhook:
    reason = row["disabled_reason"]
    return Webhook(
        webhook_id=row["webhook_id"],
        url=row["url"],
        description=row["description"],
        events=tuple(EventSort(event) for event in row["events"]),
        created_at=row["created_at"],
        state=WebhookState(row["state"]),
        disabled_reason=DisabledReason(reason) if reason else None,
        failing_since=row["failing_since"],
    )
