"""How leases have ended, so that a repeated report gets the same answer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select

from job_service.domain.lease import LeaseRequest, LeaseResult
from job_service.storage.tables import JOBS, LEASE_OUTCOMES, STEPS


class SqlLeaseRows:
    """Outcomes as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, lease: LeaseRequest) -> LeaseResult | None:
        """Return the recorded result."""
        result = self._connection.execute(
            select(LEASE_OUTCOMES.c.result).where(
                LEASE_OUTCOMES.c.step_id == lease.step_id,
                LEASE_OUTCOMES.c.generation == lease.generation,
                LEASE_OUTCOMES.c.lease_id == lease.lease_id,
            )
        ).scalar_one_or_none()
        return None if result is None else LeaseResult(result)

    def tenant_of(self, lease: LeaseRequest) -> UUID | None:
        """Return whose job a live lease is on."""
        found: UUID | None = self._connection.execute(
            select(JOBS.c.tenant_id)
            .join(STEPS, STEPS.c.job_id == JOBS.c.job_id)
            .where(
                STEPS.c.step_id == lease.step_id,
                STEPS.c.generation == lease.generation,
                STEPS.c.lease_id == lease.lease_id,
            )
        ).scalar_one_or_none()
        return found

    def record(self, lease: LeaseRequest, result: LeaseResult, now: datetime) -> None:
        """Record it, once."""
        self._connection.execute(
            insert(LEASE_OUTCOMES).values(
                step_id=lease.step_id,
                generation=lease.generation,
                lease_id=lease.lease_id,
                result=result,
                occurred_at=now,
            )
        )
