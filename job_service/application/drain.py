"""How long a tenant over its limit should wait: as long as its jobs take to drain.

The rate is kept for a moment, so that a flood of refused calls does not make
the database count for each of them.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWork

WINDOW = timedelta(minutes=1)
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=1)

_KEPT_SECONDS = 2.0
_MOST_TENANTS = 1000


class DrainRate:
    """Estimates from the jobs that ended within the last minute. Safe for threads."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._unknown = limits.admission_retry_after
        self._monotonic = monotonic
        self._counted: dict[UUID, tuple[float, int]] = {}

    def wait_for(self, uow: UnitOfWork, tenant_id: UUID, jobs: int) -> timedelta:
        """Return how long it takes until so many of the tenant's jobs have ended."""
        ended = self._ended(uow, tenant_id)
        if ended == 0:
            return self._unknown
        return min(max(WINDOW * jobs / ended, SHORTEST_WAIT), LONGEST_WAIT)

    def _ended(self, uow: UnitOfWork, tenant_id: UUID) -> int:
        now = self._monotonic()
        counted_at, ended = self._counted.get(tenant_id, (None, 0))
        if counted_at is not None and now - counted_at < _KEPT_SECONDS:
            return ended
        ended = uow.figures.jobs_ended(tenant_id, WINDOW)
        if len(self._counted) >= _MOST_TENANTS:
            self._counted = {}
        self._counted[tenant_id] = (now, ended)
        return ended
