"""Watches are gap-free, bounded and cheap, whatever interleaves."""

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from job_service.api.threads import BoundedThreads
from job_service.domain.errors import (
    JobNotFound,
    SequenceBeyondEnd,
    SlowWatcher,
    StorageUnavailable,
    TooManyWatchers,
)
from job_service.domain.events import JobEvent, JobStateChanged
from job_service.domain.job import Job, JobState, Priority, Progress
from job_service.domain.spec import Transcode
from job_service.fanout.clock import SharedClock
from job_service.fanout.hub import Hub
from job_service.fanout.watcher import Item, Watching

TENANT = uuid4()
NOW = datetime(2026, 11, 21, tzinfo=UTC)


class OneJob:
    """The stored truth of one job, read from threads like the database is."""

    def __init__(self, events: int = 1) -> None:
        self.job_id = uuid4()
        self.events: list[JobEvent] = []
        self.progress: Progress | None = None
        self.fault: Exception | None = None
        self.reads = 0
        self._lock = threading.Lock()
        for _ in range(events):
            self.commit()

    def commit(self, state: JobState = JobState.IN_PROGRESS) -> None:
        with self._lock:
            fact = JobStateChanged(None, state)
            self.events.append(JobEvent(self.job_id, len(self.events) + 1, NOW, fact))

    def tick(self, percent: float) -> None:
        with self._lock:
            self.progress = Progress("BYTES", percent, 100, percent)

    def get_job(self, tenant_id: UUID, job_id: UUID) -> Job:
        self._check(tenant_id, job_id)
        with self._lock:
            return Job(
                job_id, tenant_id, Transcode(uuid4(), "p"), self._state(), Priority.NORMAL, NOW,
                "", sequence=len(self.events), progress=self.progress,
            )  # fmt: skip

    def list_events(
        self, tenant_id: UUID, job_id: UUID, after_sequence: int, limit: int
    ) -> list[JobEvent]:
        self._check(tenant_id, job_id)
        return self.events_after(job_id, after_sequence, limit)

    def events_after(self, job_id: UUID, after_sequence: int, limit: int) -> list[JobEvent]:
        with self._lock:
            return self.events[after_sequence : after_sequence + limit]

    def progress_of(self, job_id: UUID) -> tuple[JobState, int, Progress | None]:
        with self._lock:
            self.reads += 1
            if self.fault is not None:
                raise self.fault
            return self._state(), len(self.events), self.progress

    def now(self) -> datetime:
        return NOW

    def _state(self) -> JobState:
        fact = self.events[-1].fact
        assert isinstance(fact, JobStateChanged)
        return fact.state

    def _check(self, tenant_id: UUID, job_id: UUID) -> None:
        if tenant_id != TENANT or job_id != self.job_id:
            raise JobNotFound


class House:
    """A hub and watches over one job."""

    def __init__(self, job: OneJob, **limits: int) -> None:
        self.job = job
        self.threads = BoundedThreads("test", 4)
        self.hub = Hub(
            reads=job,
            threads=self.threads,
            max_watchers=limits.get("max_watchers", 1000),
            max_watchers_per_tenant=limits.get("per_tenant", 1000),
            buffered_events=limits.get("buffered_events", 1000),
        )
        self.watching = Watching(
            reads=job,
            hub=self.hub,
            threads=self.threads,
            clock=SharedClock(now=job.now, threads=self.threads),
            keep_alive_seconds=0.1,
            tick_interval_seconds=0.2,
        )

    def commit(self, state: JobState = JobState.IN_PROGRESS) -> None:
        self.job.commit(state)
        self.hub.wake(self.job.job_id)

    async def started_and_sequences(self, after: int | None) -> tuple[int, list[int]]:
        """Watch to the end; return where it started and the events' sequences, in their order."""
        start, found = after or 0, []
        async for sequence, item in self.watching.watch(TENANT, self.job.job_id, after):
            if isinstance(item, Job):
                start = sequence
            elif isinstance(item, JobEvent):
                assert item.sequence == sequence
                found.append(sequence)
        return start, found

    async def sequences(self, after: int | None = None) -> list[int]:
        return (await self.started_and_sequences(after))[1]


@pytest.fixture
async def make_house() -> AsyncIterator[Callable[..., House]]:
    houses: list[House] = []

    def make(events: int = 1, **limits: int) -> House:
        houses.append(House(OneJob(events), **limits))
        return houses[-1]

    yield make
    for house in houses:
        house.threads.shutdown()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


async def first(items: AsyncIterator[tuple[int, Item]], kind: type) -> Item:
    async with asyncio.timeout(10):
        async for _, item in items:
            if isinstance(item, kind):
                return item
    raise AssertionError("ended before")


async def test_watch_replays_all_when_the_job_has_ended(make_house: Callable[..., House]) -> None:
    house = make_house(1200)
    house.commit(JobState.COMPLETED)
    assert await house.sequences(0) == list(range(1, 1202))
    assert await house.sequences(1200) == [1201]
    assert await house.sequences(1201) == []
    assert await house.sequences() == []
    assert house.hub.watchers == 0


async def test_watch_goes_live_when_replay_is_exactly_a_page(
    make_house: Callable[..., House],
) -> None:
    house = make_house(500)
    watch = asyncio.create_task(house.sequences(0))
    await until(lambda: house.hub.watchers == 1)
    house.commit(JobState.FAILED)
    async with asyncio.timeout(10):
        assert await watch == list(range(1, 502))


async def test_events_are_gap_free_when_writers_and_watchers_race(
    make_house: Callable[..., House],
) -> None:
    house = make_house()
    chance = random.Random(7)
    loop = asyncio.get_running_loop()

    def write() -> None:
        for _ in range(400):
            house.job.commit()
            if chance.random() < 0.7:  # some hints are lost
                loop.call_soon_threadsafe(house.hub.wake, house.job.job_id)
        house.job.commit(JobState.COMPLETED)
        loop.call_soon_threadsafe(house.hub.wake, house.job.job_id)

    writing = asyncio.create_task(asyncio.to_thread(write))
    watches: list[Awaitable[tuple[int, list[int]]]] = []

    for _ in range(60):
        after = chance.choice([None, 0, max(0, len(house.job.events) - 3)])
        watches.append(asyncio.create_task(house.started_and_sequences(after)))
        await asyncio.sleep(0)
    await writing
    async with asyncio.timeout(30):
        for start, found in await asyncio.gather(*watches):
            assert found == list(range(start + 1, 403)), "a watcher lost or repeated an event"
    assert house.hub.watchers == 0


async def test_one_read_serves_all_when_many_watch(make_house: Callable[..., House]) -> None:
    house = make_house()
    watches = [asyncio.create_task(house.sequences(0)) for _ in range(200)]
    await until(lambda: house.hub.watchers == 200)
    # Each watcher asks once where the job is; the feed asks once for all.
    await asyncio.sleep(0)
    before = house.job.reads
    house.commit()
    house.commit(JobState.COMPLETED)
    async with asyncio.timeout(20):
        results = await asyncio.gather(*watches)
    assert results == [[1, 2, 3]] * 200
    assert house.job.reads - before <= 200 // 10


async def test_keep_alive_is_sent_when_nothing_happens(make_house: Callable[..., House]) -> None:
    house = make_house()
    items = house.watching.watch(TENANT, house.job.job_id, None)
    async with contextlib.aclosing(items):
        assert isinstance(await first(items, datetime), datetime)
    assert house.hub.watchers == 0


async def test_ticks_are_coalesced_when_progress_is_fast(make_house: Callable[..., House]) -> None:
    house = make_house()
    seen: list[float] = []

    async def watch() -> None:
        async for _, item in house.watching.watch(TENANT, house.job.job_id, None):
            if isinstance(item, Progress):
                seen.append(item.percent)

    watching = asyncio.create_task(watch())
    await until(lambda: house.hub.watchers == 1)
    started = asyncio.get_running_loop().time()
    for percent in range(1, 101):
        house.job.tick(percent)
        house.hub.wake(house.job.job_id)
        await asyncio.sleep(0.005)
    await until(lambda: bool(seen) and seen[-1] == 100)
    elapsed = asyncio.get_running_loop().time() - started
    house.commit(JobState.COMPLETED)
    await watching
    assert seen == sorted(set(seen))
    assert len(seen) <= elapsed / 0.2 + 2


@pytest.mark.matrix(9)
async def test_watcher_is_evicted_when_its_buffer_is_full(make_house: Callable[..., House]) -> None:
    house = make_house(buffered_events=20)
    items = house.watching.watch(TENANT, house.job.job_id, None)
    await anext(items)
    async with contextlib.aclosing(items):
        await first(items, datetime)  # the feed has found its place
        for _ in range(30):
            house.commit()
            reads = house.job.reads
            await until(lambda reads=reads: house.job.reads > reads)  # type: ignore[misc]  # no types
        with pytest.raises(SlowWatcher):
            async for _ in items:
                pass


@pytest.mark.matrix(8)
async def test_watch_is_refused_when_there_are_too_many(make_house: Callable[..., House]) -> None:
    house = make_house(max_watchers=3, per_tenant=2)
    job_id = house.job.job_id
    with contextlib.ExitStack() as open_watches:
        for _ in range(2):
            open_watches.enter_context(house.hub.subscribe(TENANT, job_id))
        with pytest.raises(TooManyWatchers):
            open_watches.enter_context(house.hub.subscribe(TENANT, job_id))
        open_watches.enter_context(house.hub.subscribe(uuid4(), job_id))
        with pytest.raises(TooManyWatchers):
            open_watches.enter_context(house.hub.subscribe(uuid4(), job_id))
    with house.hub.subscribe(TENANT, house.job.job_id):
        assert house.hub.watchers == 1


async def test_watch_is_refused_when_the_job_is_of_another_tenant(
    make_house: Callable[..., House],
) -> None:
    house = make_house()
    for after in (None, 0):
        with pytest.raises(JobNotFound):
            await anext(house.watching.watch(uuid4(), house.job.job_id, after))
    assert house.hub.watchers == 0


async def test_watch_is_refused_when_resumed_beyond_the_end(
    make_house: Callable[..., House],
) -> None:
    house = make_house(3)
    with pytest.raises(SequenceBeyondEnd):
        await anext(house.watching.watch(TENANT, house.job.job_id, 4))


async def test_all_watches_end_when_the_hub_closes(make_house: Callable[..., House]) -> None:
    house = make_house()

    class Closing(Exception):
        """Told by whoever closes."""

    watches = [asyncio.create_task(house.sequences(0)) for _ in range(5)]
    await until(lambda: house.hub.watchers == 5)
    house.hub.close(Closing())
    results = await asyncio.gather(*watches, return_exceptions=True)
    assert [type(result) for result in results] == [Closing] * 5
    with pytest.raises(Closing):
        await house.sequences(0)


async def test_watches_end_when_the_database_goes_away_and_work_when_it_is_back(
    make_house: Callable[..., House],
) -> None:
    house = make_house()
    watch = asyncio.create_task(house.sequences(1))
    await until(lambda: house.job.reads >= 2)
    house.job.fault = StorageUnavailable()
    house.commit()
    with pytest.raises(StorageUnavailable):
        await watch
    house.job.fault = None
    house.commit(JobState.COMPLETED)
    assert await house.sequences(1) == [2, 3]


async def test_feed_is_let_go_when_its_watcher_is_cancelled(
    make_house: Callable[..., House],
) -> None:
    house = make_house()
    watch = asyncio.create_task(house.sequences(0))
    await until(lambda: house.hub.watchers == 1)
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    assert house.hub.watchers == 0
    reads = house.job.reads
    house.hub.wake_all()
    await asyncio.sleep(0.02)
    assert house.job.reads == reads
