"""Runs the reaper about every second; several replicas may do so at once."""

import asyncio
from dataclasses import asdict
from typing import Protocol

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.application.reaper import ReaperReport
from job_service.dispatch.relay import Threads
from job_service.domain.errors import Refusal

_log = get_logger(__name__)

_LONGEST_WAIT_SECONDS = 10.0


class Reaps(Protocol):
    """What is needed of application.reaper."""

    def run_once(self) -> ReaperReport:
        """Move everything that is overdue."""


class ReaperLoop:
    """Runs until cancelled; a database that is away makes the runs rarer."""

    def __init__(self, *, reaper: Reaps, threads: Threads, interval_seconds: float = 1.0) -> None:
        self._reaper = reaper
        self._threads = threads
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Reap until cancelled."""
        wait_seconds = self._interval_seconds
        with without_tracing():
            while True:
                try:
                    report = await self._threads.run(self._reaper.run_once)
                except Refusal as refusal:
                    wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)
                    _log.warning("reaper_waits", cause=refusal.reason, seconds=wait_seconds)
                else:
                    wait_seconds = self._interval_seconds
                    moved = {name: count for name, count in asdict(report).items() if count}
                    if moved:
                        _log.info("reaper_moved", **moved)
                await asyncio.sleep(wait_seconds)
