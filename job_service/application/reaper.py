"""Ending what time has ended: leases, waits, cancellations, deadlines."""

from dataclasses import dataclass

from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaperReport:
    """How many steps (jobs for the last) one run has moved."""

    expired_leases: int = 0
    timed_out: int = 0
    retried: int = 0
    dead_lettered: int = 0
    cancelled: int = 0
    to_republish: int = 0
    expired_jobs: int = 0


class Reaper:
    """Safe to run anywhere, any number of times at once."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits

    def run_once(self) -> ReaperReport:
        """Move everything that is overdue; call about every second."""
        raise NotImplementedError

    def republish_all_queued(self) -> int:
        """Make every QUEUED step due for publishing: the broker has lost its data."""
        raise NotImplementedError
