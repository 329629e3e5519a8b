"""What quotas need from the database: part of the unit of work."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from job_service.domain.quota import Amount, Used


class UsageRows(Protocol):
    """What tenants have used. Characters are charged by the database when a job ends."""

    def used(self, tenant_id: UUID, now: datetime) -> Used:
        """Return what was used of the day and of the month of this time."""

    def charge(self, tenant_id: UUID, amount: Amount, now: datetime) -> None:
        """Add to what was used of the day of this time."""
