"""All watchers of this process, by job.

Wake-ups come from this process after its own commits, from other replicas by
way of Redis, and from a slow poll that makes up for hints that were lost. A
hint carries a job's id and never data: what is sent is always read from the
database.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from job_service.domain.errors import TooManyWatchers
from job_service.fanout.feed import Feed, JobReads, Threads
from job_service.fanout.subscription import Subscription


class Hub:
    """Hands out subscriptions within limits. For the event loop's thread only."""

    def __init__(
        self,
        *,
        reads: JobReads,
        threads: Threads,
        max_watchers: int,
        max_watchers_per_tenant: int,
        buffered_events: int = 1000,
    ) -> None:
        self._reads = reads
        self._threads = threads
        self._max_watchers = max_watchers
        self._max_watchers_per_tenant = max_watchers_per_tenant
        self._buffered_events = buffered_events
        self._feeds: dict[UUID, Feed] = {}
        self._watchers: Counter[UUID] = Counter()
        self._closed: Exception | None = None

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return self._watchers.total()

    @contextmanager
    def subscribe(self, tenant_id: UUID, job_id: UUID) -> Iterator[Subscription]:
        """Follow a job within the block. Raises TooManyWatchers, or what the hub closed with."""
        if self._closed is not None:
            raise self._closed
        if self.watchers >= self._max_watchers:
            raise TooManyWatchers
        if self._watchers[tenant_id] >= self._max_watchers_per_tenant:
            raise TooManyWatchers("Your tenant has as many watchers as it may.")
        subscription = Subscription(tenant_id, self._buffered_events)
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = Feed(job_id, reads=self._reads, threads=self._threads)
        feed.add(subscription)
        self._watchers[tenant_id] += 1
        try:
            yield subscription
        finally:
            self._watchers[tenant_id] -= 1
            if not self._watchers[tenant_id]:
                del self._watchers[tenant_id]
            if feed.remove(subscription) and self._feeds.get(job_id) is feed:
                del self._feeds[job_id]

    def wake(self, job_id: UUID) -> None:
        """Let a job's watchers, if there are any here, see what is new."""
        feed = self._feeds.get(job_id)
        if feed is not None:
            feed.wake()

    def wake_all(self) -> None:
        """Let every watcher see what is new: hints may have been lost."""
        for feed in self._feeds.values():
            feed.wake()

    async def poll(self, interval_seconds: Callable[[], float]) -> None:
        """Wake all again and again; the interval is asked for each time."""
        while True:
            await asyncio.sleep(interval_seconds())
            self.wake_all()

    def close(self, error: Exception) -> None:
        """End every watcher with this error, and refuse new ones with it."""
        self._closed = error
        for feed in self._feeds.values():
            feed.end(error)
