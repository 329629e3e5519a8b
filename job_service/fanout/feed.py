"""The feed of one job: each wake-up costs one read, however many watch it here."""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar
from uuid import UUID

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.domain.errors import Refusal
from job_service.domain.events import JobEvent
from job_service.domain.job import JobState, Progress
from job_service.fanout.subscription import Subscription

_log = get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_PAGE = 500


class Threads(Protocol):
    """Runs blocking calls off the event loop."""

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the call in a thread."""


class JobReads(Protocol):
    """What a feed needs of application.queries."""

    def events_after(self, job_id: UUID, after_sequence: int, limit: int) -> list[JobEvent]:
        """Return events in order."""

    def progress_of(self, job_id: UUID) -> tuple[JobState, int, Progress | None]:
        """Return state, newest sequence and progress."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one wake-up has found."""

    events: list[JobEvent]
    newest: int
    progress: Progress | None


class Feed:
    """Reads a job's changes while it is watched, and offers them to its watchers.

    Its first reading only finds out where the job is: watchers read what came
    before by themselves.
    """

    def __init__(self, job_id: UUID, *, reads: JobReads, threads: Threads) -> None:
        self._job_id = job_id
        self._reads = reads
        self._threads = threads
        self._position: int | None = None
        self._progress: Progress | None = None
        self._subscriptions: set[Subscription] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, subscription: Subscription) -> None:
        """Let a watcher in."""
        self._subscriptions.add(subscription)
        if self._position is not None:
            subscription.offer((), self._position, self._progress)
        if self._task is None:
            self._task = asyncio.create_task(
                # Not in the context of the call that happens to come first.
                self._run(),
                context=contextvars.Context(),
            )
            self.wake()

    def remove(self, subscription: Subscription) -> bool:
        """Let a watcher go; true when it was the last one, and the feed has ended."""
        self._subscriptions.discard(subscription)
        if self._subscriptions:
            return False
        if self._task is not None:
            self._task.cancel()
        return True

    def wake(self) -> None:
        """Read again soon. Several wake-ups during a read make one more read."""
        self._woken.set()

    def end(self, error: Exception) -> None:
        """End all its watchers."""
        for subscription in self._subscriptions:
            subscription.end(error)

    async def _run(self) -> None:
        # Reads for watchers belong to no call's trace.
        with without_tracing():
            while True:
                await self._woken.wait()
                self._woken.clear()
                try:
                    reading = await self._threads.run(self._read, self._position)
                except Refusal as refusal:
                    self.end(refusal)
                except Exception as error:  # noqa: BLE001 - a loop's edge: watchers must not hang
                    _log.error("feed_failed", job_id=str(self._job_id), exc_info=error)
                    self.end(error)
                else:
                    self._offer(reading)

    def _read(self, position: int | None) -> Reading:
        _, newest, progress = self._reads.progress_of(self._job_id)
        if position is None:
            return Reading([], newest, progress)
        events: list[JobEvent] = []
        while position + len(events) < newest:
            page = self._reads.events_after(self._job_id, position + len(events), _PAGE)
            if not page:
                break
            events += page
        return Reading(events, max(newest, position + len(events)), progress)

    def _offer(self, reading: Reading) -> None:
        news = reading.progress if reading.progress != self._progress else None
        moved = reading.newest != self._position
        self._position, self._progress = reading.newest, reading.progress
        if not moved and news is None:
            return
        for subscription in self._subscriptions:
            subscription.offer(reading.events, reading.newest, news)
