"""Stopping a job at the client's wish."""

from uuid import UUID

from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.job import Job


class Cancellation:
    """Ends what has not started and asks the workers to stop the rest."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals) -> None:
        self._units = units
        self._signals = signals

    def cancel(self, tenant_id: UUID, job_id: UUID) -> Job:
        """Return the job after the request: CANCELLED, or CANCELLING while workers stop.

        Idempotent. Raises JobNotFound, JobFinished (it ended in another way).
        """
        raise NotImplementedError
