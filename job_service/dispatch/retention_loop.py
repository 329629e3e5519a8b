"""Removes what has been kept for its time; several replicas may do so at once.

Every look is a call of its own, in a thread of its own: however much there is
to go through, nothing else waits for it, and a stop comes in between.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Protocol

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.application.limits import Limits
from job_service.application.orphans import Orphans
from job_service.application.retention import Retention, RetentionReport, interval_of
from job_service.dispatch.relay import Threads
from job_service.domain.errors import Refusal

_log = get_logger(__name__)

_LONGEST_WAIT_SECONDS = 300.0
_LONGEST_INTERVAL = timedelta(minutes=1)
_LONGEST_SWEEP_INTERVAL = timedelta(hours=1)


class Retains(Protocol):
    """What is needed of application.retention."""

    def run_once(self) -> RetentionReport:
        """Remove one small batch of each kind."""


class RetentionLoop:
    """Runs until cancelled; a database or store that is away makes the runs rarer.

    `sweep` goes through all files of the store, `sweep_checkpoints` through
    the checkpoints only; both give what each look has dropped.
    """

    def __init__(
        self,
        *,
        retention: Retains,
        sweep: Callable[[], Iterator[int]],
        sweep_checkpoints: Callable[[], Iterator[int]],
        threads: Threads,
        interval_seconds: float,
        sweep_interval_seconds: float,
    ) -> None:
        self._retention = retention
        self._sweep = sweep
        self._sweep_checkpoints = sweep_checkpoints
        self._threads = threads
        self._interval_seconds = interval_seconds
        self._sweep_interval_seconds = sweep_interval_seconds
        self._swept_at = float("-inf")

    async def run(self) -> None:
        """Remove until cancelled."""
        wait_seconds = self._interval_seconds
        with without_tracing():
            while True:
                try:
                    await self._remove()
                    await self._drop()
                except Refusal as refusal:
                    wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)
                    _log.warning("retention_waits", cause=refusal.reason, seconds=wait_seconds)
                else:
                    wait_seconds = self._interval_seconds
                await asyncio.sleep(wait_seconds)

    async def _remove(self) -> None:
        more = True
        while more:
            report = await self._threads.run(self._retention.run_once)
            more = report.more
            counts = {name: count for name, count in asdict(report).items() if name != "more"}
            removed = {name: count for name, count in counts.items() if count}
            if removed:
                _log.info("retention_removed", **removed)

    async def _drop(self) -> None:
        dropped = await self._exhaust(self._sweep_checkpoints())
        if time.monotonic() - self._swept_at >= self._sweep_interval_seconds:
            dropped += await self._exhaust(self._sweep())
            self._swept_at = time.monotonic()
        if dropped:
            _log.info("orphans_dropped", files=dropped)

    async def _exhaust(self, looks: Iterator[int]) -> int:
        dropped = 0
        while (found := await self._threads.run(next, looks, None)) is not None:
            dropped += found
        return dropped


def retention_loop(
    retention: Retention, orphans: Orphans, limits: Limits, threads: Threads
) -> RetentionLoop:
    """Put the loop together, as often as the limits need it."""
    return RetentionLoop(
        retention=retention,
        sweep=lambda: orphans.sweep_all(limits.orphan_grace),
        sweep_checkpoints=orphans.sweep_checkpoints,
        threads=threads,
        interval_seconds=interval_of(limits, _LONGEST_INTERVAL).total_seconds(),
        sweep_interval_seconds=interval_of(limits, _LONGEST_SWEEP_INTERVAL).total_seconds(),
    )
