"""Remembered segments, which expire."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from job_service.storage.tables import SEGMENT_MEMORY

_KEY = tuple_(SEGMENT_MEMORY.c.tenant_id, SEGMENT_MEMORY.c.key)


class SqlMemoryRows:
    """The memory as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def recall(self, tenant_id: UUID, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Return what is kept under the keys."""
        found = self._connection.execute(
            select(SEGMENT_MEMORY.c.key, SEGMENT_MEMORY.c.value).where(
                SEGMENT_MEMORY.c.tenant_id == tenant_id,
                SEGMENT_MEMORY.c.key.in_(keys),
                SEGMENT_MEMORY.c.expires_at > func.now(),
            )
        )
        return {bytes(row.key): bytes(row.value) for row in found}

    def remember(self, tenant_id: UUID, entries: Mapping[bytes, bytes], ttl: timedelta) -> None:
        """Keep values for a time, each instead of the key's last one."""
        if not entries:
            return
        statement = insert(SEGMENT_MEMORY)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "key"],
                set_={
                    "value": statement.excluded.value,
                    "expires_at": statement.excluded.expires_at,
                },
            ).values(expires_at=func.now() + literal(ttl)),
            # In one order, so that two writers cannot wait for each other.
            [
                {"tenant_id": tenant_id, "key": key, "value": entries[key]}
                for key in sorted(entries)
            ],
        )

    def forget(self, most_of_tenant: int, limit: int) -> int:
        """Remove what has expired, and the oldest of what a tenant has too much of."""
        expired = (
            select(SEGMENT_MEMORY.c.tenant_id, SEGMENT_MEMORY.c.key)
            .where(SEGMENT_MEMORY.c.expires_at <= func.now())
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        count = self._connection.execute(delete(SEGMENT_MEMORY).where(_KEY.in_(expired))).rowcount
        crowded = self._connection.execute(
            select(SEGMENT_MEMORY.c.tenant_id, func.count())
            .group_by(SEGMENT_MEMORY.c.tenant_id)
            .having(func.count() > most_of_tenant)
        ).all()
        for tenant_id, held in crowded:
            oldest = (
                select(SEGMENT_MEMORY.c.tenant_id, SEGMENT_MEMORY.c.key)
                .where(SEGMENT_MEMORY.c.tenant_id == tenant_id)
                .order_by(SEGMENT_MEMORY.c.expires_at)
                .limit(min(held - most_of_tenant, limit))
                .with_for_update(skip_locked=True)
            )
            count += self._connection.execute(
                delete(SEGMENT_MEMORY).where(_KEY.in_(oldest))
            ).rowcount
        return count
