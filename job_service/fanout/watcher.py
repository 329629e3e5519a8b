"""One open watch: a snapshot or the missed events, then live ones, then the end.

No event is lost or repeated: the watcher subscribes first and reads the
database second, drops what it has sent already, and reads again whenever the
feed is ahead of it.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from babelmill.kit.wire.trace_headers import without_tracing
from job_service.domain.errors import SequenceBeyondEnd
from job_service.domain.events import JobEvent, JobStateChanged
from job_service.domain.job import FINAL_JOB_STATES, Job, Progress
from job_service.fanout.clock import SharedClock
from job_service.fanout.feed import JobReads, Threads
from job_service.fanout.hub import Hub
from job_service.fanout.pace import Pace
from job_service.fanout.subscription import Subscription

_PAGE = 500

Item = Job | JobEvent | Progress | datetime


class TenantReads(JobReads, Protocol):
    """What a watch needs of application.queries."""

    def get_job(self, tenant_id: UUID, job_id: UUID) -> Job:
        """Return a job. Raises JobNotFound."""

    def list_events(
        self, tenant_id: UUID, job_id: UUID, after_sequence: int, limit: int
    ) -> list[JobEvent]:
        """Return events in order. Raises JobNotFound."""


class Watching:
    """Opens watches."""

    def __init__(
        self,
        *,
        reads: TenantReads,
        hub: Hub,
        threads: Threads,
        clock: SharedClock,
        keep_alive_seconds: float = 15.0,
        tick_interval_seconds: float = 0.2,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reads = reads
        self._hub = hub
        self._threads = threads
        self._clock = clock
        self._pace = partial(Pace, keep_alive_seconds, tick_interval_seconds, monotonic)

    async def watch(
        self, tenant_id: UUID, job_id: UUID, after_sequence: int | None
    ) -> AsyncGenerator[tuple[int, Item]]:
        """Give a job's items, each with the newest sequence given so far.

        Raises JobNotFound, SequenceBeyondEnd, TooManyWatchers, SlowWatcher,
        StorageUnavailable, and what the hub is closed with.
        """
        with self._hub.subscribe(tenant_id, job_id) as subscription:
            progress: Progress | None = None
            if after_sequence is None:
                job = await self._threads.run(self._reads.get_job, tenant_id, job_id)
                sent, progress = job.sequence, job.progress
                yield sent, job
                if job.state in FINAL_JOB_STATES:
                    return
            else:
                sent = after_sequence
                while True:
                    missed = await self._threads.run(
                        self._reads.list_events, tenant_id, job_id, sent, _PAGE
                    )
                    for event in missed:
                        sent = event.sequence
                        yield sent, event
                        if _is_final(event):
                            return
                    if len(missed) < _PAGE:
                        break
                if sent == after_sequence and await self._is_over(job_id, sent):
                    return
            async with aclosing(self._live(job_id, subscription, sent, progress)) as items:
                async for item in items:
                    yield item

    async def _is_over(self, job_id: UUID, sent: int) -> bool:
        state, newest, _ = await self._threads.run(self._reads.progress_of, job_id)
        if sent > newest:
            raise SequenceBeyondEnd(newest_sequence=str(newest))
        return sent == newest and state in FINAL_JOB_STATES

    async def _live(
        self, job_id: UUID, subscription: Subscription, sent: int, shown: Progress | None
    ) -> AsyncGenerator[tuple[int, Item]]:
        pace = self._pace()
        while True:
            for event in await self._next_events(job_id, subscription, sent):
                sent = event.sequence
                yield sent, event
                pace.item_sent()
                if _is_final(event):
                    return
            if pace.tick_is_due() and (progress := subscription.take_progress()) is not None:
                if _is_newer(progress, shown):
                    shown = progress
                    yield sent, progress
                    pace.tick_sent()
            elif pace.keep_alive_is_due():
                yield sent, await self._clock.now()
                pace.item_sent()
            if subscription.newest <= sent:
                await subscription.wait(
                    pace.wait_seconds(tick_waits=subscription.progress is not None)
                )

    async def _next_events(
        self, job_id: UUID, subscription: Subscription, sent: int
    ) -> list[JobEvent]:
        """Take the events right after `sent`, from the feed or, where it went ahead, as stored."""
        events = [event for event in subscription.take_events() if event.sequence > sent]
        behind = subscription.newest > sent
        if behind and (not events or events[0].sequence > sent + 1):
            with without_tracing():
                events = await self._threads.run(self._reads.events_after, job_id, sent, _PAGE)
            if not events:
                # Nothing there to send, whatever the feed has heard.
                subscription.newest = sent
        return events


def _is_final(event: JobEvent) -> bool:
    return isinstance(event.fact, JobStateChanged) and event.fact.state in FINAL_JOB_STATES


def _is_newer(progress: Progress, shown: Progress | None) -> bool:
    """Tell whether a tick says something new; one that was read earlier does not."""
    if shown is None:
        return True
    if progress == shown:
        return False
    if progress.updated_at is None or shown.updated_at is None:
        return True
    return progress.updated_at >= shown.updated_at
