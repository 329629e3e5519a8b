"""What webhooks need from the outside: their rows, and what sends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from job_service.application.job_query import Cursor
from job_service.domain.events import JobEvent
from job_service.domain.webhook import (
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    Standing,
    Verdict,
    Webhook,
)


@dataclass(frozen=True, slots=True)
class SealedSecrets:
    """A webhook's secret, encrypted, and the one before it until its time is over."""

    current: bytes
    previous: bytes | None = None
    previous_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this process alone tries just now, with all that it needs.

    `failing` tells that the webhook's last attempt did not succeed.
    """

    delivery_id: UUID
    claim_id: UUID
    webhook_id: UUID
    tenant_id: UUID
    url: str
    secrets: SealedSecrets
    failing: bool
    event: JobEvent
    job_kind: str
    labels: Mapping[str, str]
    traceparent: str
    claimed_at: datetime


class WebhookRows(Protocol):
    """Tenants' webhooks. Deliveries are made by the database with the events themselves."""

    def insert(self, tenant_id: UUID, webhook: Webhook, secret: bytes) -> None:
        """Store a webhook."""

    def count(self, tenant_id: UUID) -> int:
        """Count a tenant's webhooks."""

    def find(self, tenant_id: UUID, webhook_id: UUID) -> Webhook | None:
        """Return a webhook."""

    def list(self, tenant_id: UUID) -> Sequence[Webhook]:
        """Return the webhooks, oldest first."""

    def delete(self, tenant_id: UUID, webhook_id: UUID) -> bool:
        """Remove a webhook with its deliveries; tell whether it was there."""

    def enable(self, tenant_id: UUID, webhook_id: UUID) -> bool:
        """Enable a webhook, with its failures forgotten; tell whether it is there."""

    def disable(self, tenant_id: UUID, webhook_id: UUID, reason: DisabledReason) -> bool:
        """Disable a webhook unless it is; tell whether it is there."""

    def secrets(self, tenant_id: UUID, webhook_id: UUID) -> SealedSecrets | None:
        """Return a webhook's secrets."""

    def rotate(self, tenant_id: UUID, webhook_id: UUID, secret: bytes, until: datetime) -> bool:
        """Set a new secret; the last one stays beside it until then."""


class DeliveryRows(Protocol):
    """Events on their way to webhooks."""

    def claim(
        self, slots: int, per_webhook: int, busy: Collection[UUID], claim: timedelta
    ) -> Sequence[Claimed]:
        """Claim deliveries that are due, the first one of each job, skipping what others claim.

        No more than `per_webhook` of one webhook, one of one that fails, and none of `busy`.
        """

    def has_receivers(self) -> bool:
        """Tell whether any webhook is enabled."""

    def lock(self, claimed: Claimed) -> tuple[int, Standing] | None:
        """Lock a delivery and its webhook; None if the claim is not the newest.

        Returns how often it has been tried since it was due first, and the webhook's standing.
        """

    def settle(self, claimed: Claimed, attempt: Attempt, verdict: Verdict) -> None:
        """Write an attempt and what came of it; both must be locked."""


class DeliveryLog(Protocol):
    """What became of deliveries, and sending events again."""

    def due(self, webhook_id: UUID, job_id: UUID, sequence: int) -> None:
        """Let an event be delivered now, whether it was before or not."""

    def remove(self, webhook_id: UUID, limit: int) -> int:
        """Remove up to so many deliveries to a webhook; return how many."""

    def recover(
        self, tenant_id: UUID, webhook_id: UUID, since: datetime, most_jobs: int
    ) -> tuple[int, datetime | None]:
        """Let all that a webhook has missed of jobs created since then be delivered now.

        Returns how many events, and from which time there are more jobs.
        """

    def find(self, webhook_id: UUID, job_id: UUID, sequence: int) -> Delivery | None:
        """Return a delivery with its attempts."""

    def page(
        self,
        webhook_id: UUID,
        states: Collection[DeliveryState],
        limit: int,
        after: Cursor | None,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first; a cursor is a time and a delivery's id."""


class Sends(Protocol):
    """Sends messages to addresses that clients have named."""

    async def check(self, url: str) -> None:
        """Refuse an address that must not be called. Raises InvalidRequest."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Try once. What goes wrong is in the answer."""
