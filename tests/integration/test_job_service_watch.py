"""WatchJob over the wire: in order, without gaps, resumable, and bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from babelmill.jobs.v1 import (
    failure_pb2,
    job_pb2,
    job_service_pb2,
    lease_pb2,
    progress_pb2,
    worker_service_pb2,
)
from tests.integration.job_service_house import (
    WORKER,
    House,
    open_house,
    refusal,
    take_message,
)


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(
        database_url, redis_url, artifacts_directory, keep_alive_seconds=0.3
    ) as opened:
        yield opened


async def cancel(house: House, job_id: str) -> None:
    request = job_service_pb2.CancelJobRequest(job_id=job_id)
    await house.jobs.CancelJob(request, metadata=house.client)


def watch(
    house: House, job_id: str, after: int | None = None
) -> "grpc.aio.UnaryStreamCall[job_service_pb2.WatchJobRequest, job_service_pb2.WatchJobResponse]":
    request = job_service_pb2.WatchJobRequest(job_id=job_id, after_sequence=after)
    return house.jobs.WatchJob(request, metadata=house.client)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_watch_starts_with_a_snapshot_and_ends_after_the_final_event(house: House) -> None:
    job = await house.create()
    call = watch(house, job.job_id)
    messages = aiter(call)
    first = await anext(messages)
    assert first.snapshot.job_id == job.job_id
    assert first.sequence == first.snapshot.sequence
    await cancel(house, job.job_id)
    events = [m.event async for m in messages if m.HasField("event")]
    assert [e.sequence for e in events] == list(
        range(first.sequence + 1, first.sequence + 1 + len(events))
    )
    assert events[-1].job_state_changed.state == job_pb2.JOB_STATE_CANCELLED
    assert await call.code() is grpc.StatusCode.OK
    await until(lambda: house.service.hub.watchers == 0)


async def test_watch_of_a_finished_job_replays_and_ends_when_resumed_anywhere(
    house: House,
) -> None:
    job = await house.create()
    await cancel(house, job.job_id)
    last = (await house.get(job.job_id)).sequence
    for after in range(last + 1):
        found = [m.sequence async for m in watch(house, job.job_id, after)]
        assert found == list(range(after + 1, last + 1))
    details = await refusal(watch(house, job.job_id, last + 1))
    assert (details.code, details.reason) == (
        grpc.StatusCode.OUT_OF_RANGE,
        "SEQUENCE_BEYOND_END",
    )
    details = await refusal(watch(house, job.job_id, -1))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_keep_alive_tells_the_time_when_nothing_happens(house: House) -> None:
    job = await house.create()
    call = watch(house, job.job_id)
    async with asyncio.timeout(10):
        async for message in call:
            if message.HasField("keep_alive"):
                assert message.keep_alive.server_time.seconds > job.create_time.seconds - 60
                break
    call.cancel()
    await until(lambda: house.service.hub.watchers == 0)


async def test_watchers_see_the_same_when_they_break_off_and_resume(
    house: House, redis_url: str
) -> None:
    job = await house.create("pt", "es", "fr", "de")

    async def follow(breaks_every: int) -> list[int]:
        seen: list[int] = []
        while True:
            call = watch(house, job.job_id, len(seen))
            since = 0
            async for message in call:
                if not message.HasField("event"):
                    continue
                seen.append(message.event.sequence)
                since += 1
                if breaks_every and since == breaks_every:
                    call.cancel()
                    break
            else:
                return seen

    watchers = [asyncio.create_task(follow(n % 4)) for n in range(40)]
    for _ in range(4):
        await run_step(house, redis_url)
    async with asyncio.timeout(30):
        results = await asyncio.gather(*watchers)
    last = (await house.get(job.job_id)).sequence
    assert results == [list(range(1, last + 1))] * 40


async def run_step(house: House, redis_url: str) -> None:
    """Take one step's message and complete it as a worker does, with some progress."""
    message = await take_message(redis_url, "translation.normal")
    ref = message.ref(str(uuid4()))
    assert (await house.acquire(ref)).leases
    for done in (3, 9):
        report = lease_pb2.LeaseReport(ref=ref)
        report.progress.CopyFrom(
            progress_pb2.Progress(
                unit=progress_pb2.PROGRESS_UNIT_CHARACTERS, done=done, total=13, stage="translate"
            )
        )
        await house.workers.Heartbeat(
            worker_service_pb2.HeartbeatRequest(worker_id=WORKER, reports=[report]),
            metadata=house.worker,
        )
    await house.workers.FailStep(
        worker_service_pb2.FailStepRequest(
            worker_id=WORKER,
            ref=ref,
            failure=failure_pb2.Failure(reason="ENGINE_FAILED", message="It failed."),
        ),
        metadata=house.worker,
    )


async def test_progress_is_seen_and_never_falls_when_a_worker_reports(
    house: House, redis_url: str
) -> None:
    job = await house.create("pt", "es")
    call = watch(house, job.job_id)
    running = asyncio.create_task(run_step(house, redis_url))
    ticks: list[float] = []
    async with asyncio.timeout(20):
        async for message in call:
            if message.HasField("progress"):
                ticks.append(message.progress.percent)
                if len(ticks) == 1:
                    await running
                    await run_step(house, redis_url)
    assert ticks
    assert ticks == sorted(ticks)


async def test_watches_end_to_be_resumed_when_the_server_drains(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(database_url, redis_url, artifacts_directory) as house:
        job = await house.create()
        calls = [watch(house, job.job_id) for _ in range(50)]
        for call in calls:
            await call.read()
        stopping = asyncio.create_task(house.service.stop())
        endings = await asyncio.gather(*(refusal(call) for call in calls))
        assert {(e.code, e.reason) for e in endings} == {(grpc.StatusCode.UNAVAILABLE, "DRAINING")}
        await stopping


@pytest.mark.matrix(8)
async def test_watches_are_limited_when_a_tenant_opens_many(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(
        database_url, redis_url, artifacts_directory, max_watchers_per_tenant=2
    ) as house:
        job = await house.create()
        calls = [watch(house, job.job_id) for _ in range(2)]
        for call in calls:
            await call.read()
        details = await refusal(watch(house, job.job_id))
        assert (details.code, details.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_WATCHERS",
        )
        assert details.retry_after_seconds
        calls[0].cancel()
        await until(lambda: house.service.hub.watchers == 1)
        await watch(house, job.job_id).read()


async def test_replicas_wake_each_other_when_one_changes_a_job(
    house: House, database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(database_url, redis_url, artifacts_directory) as replica:
        await until(lambda: house.service.wakeups.link_up and replica.service.wakeups.link_up)
        job = await house.create()
        call = replica.jobs.WatchJob(
            job_service_pb2.WatchJobRequest(job_id=job.job_id, after_sequence=0),
            metadata=house.client,
        )
        messages = aiter(call)
        await anext(messages)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await cancel(house, job.job_id)
        events = [m.event async for m in messages if m.HasField("event")]
        assert events[-1].job_state_changed.state == job_pb2.JOB_STATE_CANCELLED
        # The safety poll alone would take up to ten seconds.
        assert loop.time() - started < 3
