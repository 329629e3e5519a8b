"""What translations need from the database besides their jobs: part of the unit of work."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol
from uuid import UUID


class MemoryRows(Protocol):
    """Remembered segments of tenants."""

    def recall(self, tenant_id: UUID, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Return what is kept under the keys."""

    def remember(self, tenant_id: UUID, entries: Mapping[bytes, bytes], ttl: timedelta) -> None:
        """Keep values for a time, each instead of the key's last one."""

    def forget(self, most_of_tenant: int, limit: int) -> int:
        """Remove what has expired, and the oldest of what a tenant has too much of.

        Removes no more than `limit` of each; returns how many.
        """
