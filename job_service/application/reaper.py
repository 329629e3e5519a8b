"""Ending what time has ended: leases, waits, cancellations, deadlines."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.process.logs import get_logger
from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.errors import StorageUnavailable
from job_service.domain.job import JobState, StepState
from job_service.domain.settlement import Change
from job_service.domain.sweeping import Sweep, sweep

JOBS_PER_RUN = 500
JOBS_PER_TRANSACTION = 50
LARGEST_CLOCK_DRIFT = timedelta(seconds=5)
# Nothing is sent again later than after 10 minutes.
_LONGEST_WAIT = timedelta(minutes=15)

_log = get_logger(__name__)


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
    """Safe to run anywhere, any number of times at once.

    After a start, after the database was away, and after a leap of its clock
    no lease is ended for `recovery_grace` (one lease's time if not given):
    heartbeats could not arrive, and the workers are most likely alive.
    """

    def __init__(
        self,
        *,
        units: UnitOfWorkFactory,
        signals: Signals,
        limits: Limits,
        recovery_grace: timedelta | None = None,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._units = units
        self._signals = signals
        self._policy = limits.delivery
        self._grace = limits.lease_ttl if recovery_grace is None else recovery_grace
        self._jitter = jitter
        self._monotonic = monotonic
        self._spare_until = monotonic() + self._grace.total_seconds()
        self._last_clocks: tuple[float, datetime] | None = None
        # It may have leapt while nobody watched it.
        self._clock_suspect = True

    def run_once(self) -> ReaperReport:
        """Move everything that is overdue; call about every second.

        Raises StorageUnavailable.
        """
        try:
            return self._run()
        except StorageUnavailable:
            self._spare_leases()
            raise

    def republish_all_queued(self) -> int:
        """Make every QUEUED step due for publishing: the broker has lost its data."""
        with self._units.write() as uow:
            count = uow.queue.make_all_queued_due()
        self._signals.steps_pending()
        return count

    def _run(self) -> ReaperReport:
        if self._clock_suspect:
            self._bring_near()
        with self._units.read() as uow:
            self._watch_clock(uow.now())
            overdue = uow.queue.overdue_jobs(
                JOBS_PER_RUN,
                self._policy.timeout_grace,
                self._policy.cancel_limit,
                spare_leases=self._sparing,
            )
            to_republish = uow.queue.count_queued_due()
        counts: Counter[Sweep] = Counter()
        changes: list[Change] = []
        for start in range(0, len(overdue), JOBS_PER_TRANSACTION):
            moved = self._sweep(overdue[start : start + JOBS_PER_TRANSACTION], counts)
            changes += moved
            for change in moved:
                self._signals.job_changed(change.after.job_id)
        if to_republish or any(change.has_new_pending for change in changes):
            self._signals.steps_pending()
        return ReaperReport(
            expired_leases=counts[Sweep.LEASE_EXPIRED],
            timed_out=counts[Sweep.TIMED_OUT],
            retried=counts[Sweep.RETRY_DUE],
            dead_lettered=sum(_dead_lettered(change) for change in changes),
            cancelled=counts[Sweep.CANCEL_FORCED],
            to_republish=to_republish,
            expired_jobs=sum(
                change.ends_job and change.after.state is JobState.EXPIRED for change in changes
            ),
        )

    def _bring_near(self) -> None:
        """Let nothing wait for a time that a clock set back has put far ahead."""
        with self._units.write() as uow:
            moved = uow.queue.bring_near(_LONGEST_WAIT, self._policy.lease_ttl)
        self._clock_suspect = False
        if moved:
            self._signals.steps_pending()

    def _sweep(self, job_ids: Sequence[UUID], counts: Counter[Sweep]) -> list[Change]:
        """Move some jobs in one transaction; those that another holds come next time."""
        changes: list[Change] = []
        found: Counter[Sweep] = Counter()
        with self._units.write() as uow:
            locked = uow.jobs.lock(job_ids, skip_locked=True)
            for job in locked.jobs.values():
                change, why = sweep(
                    job,
                    self._policy,
                    locked.now,
                    self._jitter,
                    spare_leases=self._sparing,
                )
                if why:
                    changes.append(change)
                    found += why
            uow.jobs.save(changes, locked.now)
            if changes:
                failpoint("reaper.before_commit")
        if changes:
            failpoint("reaper.after_commit")
        counts.update(found)
        return changes

    @property
    def _sparing(self) -> bool:
        return self._monotonic() < self._spare_until

    def _spare_leases(self) -> None:
        self._spare_until = self._monotonic() + self._grace.total_seconds()

    def _watch_clock(self, now: datetime) -> None:
        """Notice when the database's clock and this machine's time do not run alike."""
        here = self._monotonic()
        if self._last_clocks is not None:
            then_here, then = self._last_clocks
            drift = (now - then) - timedelta(seconds=here - then_here)
            if abs(drift) > LARGEST_CLOCK_DRIFT:
                _log.warning("clock_leapt", seconds=round(drift.total_seconds(), 3))
                self._spare_leases()
                self._clock_suspect = True
        self._last_clocks = (here, now)


def _dead_lettered(change: Change) -> int:
    return sum(
        new.state is StepState.DEAD_LETTERED and old.state is not StepState.DEAD_LETTERED
        for old, new in zip(change.before.steps, change.after.steps, strict=True)
    )
