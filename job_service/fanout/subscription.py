"""What waits to be sent to one watcher: bounded, and filled without waiting."""

import asyncio
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from job_service.domain.errors import SlowWatcher
from job_service.domain.events import JobEvent
from job_service.domain.job import Progress


class Subscription:
    """One watcher's share of a job's feed. For the event loop's thread only.

    Events are kept in order. Of progress only the newest is kept. `newest` is
    the highest sequence that the feed knows of; a watcher that has not sent
    that far reads what it lacks from the database.
    """

    def __init__(self, tenant_id: UUID, capacity: int) -> None:
        self.tenant_id = tenant_id
        self.newest = 0
        self.progress: Progress | None = None
        self._capacity = capacity
        self._events: deque[JobEvent] = deque()
        self._end: Exception | None = None
        self._changed = asyncio.Event()

    def offer(self, events: Sequence[JobEvent], newest: int, progress: Progress | None) -> None:
        """Add what the feed has read. A watcher with a full buffer is ended: SlowWatcher."""
        if self._end is not None:
            return
        if len(self._events) + len(events) > self._capacity:
            self._events.clear()
            self.end(SlowWatcher())
            return
        self._events.extend(events)
        self.newest = max(self.newest, newest)
        if progress is not None:
            self.progress = progress
        self._changed.set()

    def end(self, error: Exception) -> None:
        """Make the watcher end with this error; the first one stays."""
        if self._end is None:
            self._end = error
            self._changed.set()

    def take_events(self) -> list[JobEvent]:
        """Take all events that wait. Raises the error that the watcher was ended with."""
        self._changed.clear()
        if self._end is not None:
            raise self._end
        events = list(self._events)
        self._events.clear()
        return events

    def take_progress(self) -> Progress | None:
        """Take the newest progress."""
        progress, self.progress = self.progress, None
        return progress

    async def wait(self, timeout_seconds: float) -> None:
        """Return when there is something new, or after the timeout."""
        if timeout_seconds <= 0:
            # Others must get their turn, whatever the clocks say.
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._changed.wait()
        except TimeoutError:
            return
