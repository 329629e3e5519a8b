"""The database's time without asking it each time: for keep-alives only."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from job_service.fanout.feed import Threads


class SharedClock:
    """Asks the database at most every `fresh_seconds` and counts on from there."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        threads: Threads,
        fresh_seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._threads = threads
        self._fresh_seconds = fresh_seconds
        self._monotonic = monotonic
        self._read: tuple[float, datetime] | None = None

    async def now(self) -> datetime:
        """Tell the time. Raises StorageUnavailable."""
        read = self._read
        if read is None or self._monotonic() - read[0] > self._fresh_seconds:
            read = self._read = (self._monotonic(), await self._threads.run(self._now))
        return read[1] + timedelta(seconds=self._monotonic() - read[0])
