"""What tenants have used, by day.

A day of a tenant has a row for each connection that has written any: jobs of one tenant end at
the same time, and none shall wait for the commit of another. Characters are charged by a trigger
on job_metrics, in the transaction that ends the job.
"""

from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    ForeignKey,
    Integer,
    Table,
    Uuid,
    case,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from job_service.domain.quota import Amount, Used
from job_service.storage.tables import METADATA, TENANTS

TENANT_USAGE = Table(
    "tenant_usage",
    METADATA,
    Column("tenant_id", Uuid, ForeignKey(TENANTS.c.tenant_id), primary_key=True),
    Column("day", Date, primary_key=True),
    # The process id of the database's end of the connection.
    Column("connection", Integer, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("characters", BigInteger, nullable=False),
)


class SqlUsageRows:
    """Usage as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def used(self, tenant_id: UUID, now: datetime) -> Used:
        """Return what was used of the day and of the month of this time."""
        today = _day(now)
        is_today = TENANT_USAGE.c.day == today
        size_bytes, characters = TENANT_USAGE.c.bytes, TENANT_USAGE.c.characters
        row = self._connection.execute(
            select(
                func.coalesce(func.sum(case((is_today, size_bytes), else_=0)), 0),
                func.coalesce(func.sum(case((is_today, characters), else_=0)), 0),
                func.coalesce(func.sum(size_bytes), 0),
                func.coalesce(func.sum(characters), 0),
            ).where(
                TENANT_USAGE.c.tenant_id == tenant_id,
                TENANT_USAGE.c.day.between(today.replace(day=1), today),
            )
        ).one()
        return Used(Amount(int(row[0]), int(row[1])), Amount(int(row[2]), int(row[3])))

    def charge(self, tenant_id: UUID, amount: Amount, now: datetime) -> None:
        """Add to what was used of the day of this time."""
        adding = insert(TENANT_USAGE).values(
            tenant_id=tenant_id,
            day=_day(now),
            connection=func.pg_backend_pid(),
            bytes=amount.bytes,
            characters=amount.characters,
        )
        self._connection.execute(
            adding.on_conflict_do_update(
                index_elements=["tenant_id", "day", "connection"],
                set_={
                    "bytes": TENANT_USAGE.c.bytes + adding.excluded.bytes,
                    "characters": TENANT_USAGE.c.characters + adding.excluded.characters,
                },
            )
        )


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
