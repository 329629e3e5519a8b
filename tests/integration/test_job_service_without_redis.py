"""Redis is a hint: without it jobs are accepted and watched, and afterwards they drain."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis.asyncio

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.stack.valkey import EmbeddedValkey
from job_service.dispatch.broker_epoch import KEY
from tests.integration.job_service_house import House, open_house, take_message


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A server of the test's own, not started yet."""
    server = EmbeddedValkey(tmp_path / "valkey")
    yield server
    server.stop()


async def state_of(house: House, job_id: str) -> job_pb2.JobState.ValueType:
    return (await house.get(job_id)).state


async def until_state(
    house: House, job_id: str, state: job_pb2.JobState.ValueType, timeout_seconds: float = 30
) -> None:
    async with asyncio.timeout(timeout_seconds):
        while await state_of(house, job_id) != state:
            await asyncio.sleep(0.05)


async def test_jobs_are_accepted_watched_and_drained_when_redis_comes_late(
    database_url: str, artifacts_directory: Path, valkey: EmbeddedValkey
) -> None:
    async with open_house(database_url, valkey.url(), artifacts_directory) as house:
        jobs = [await house.create(text=f"Text {n}") for n in range(5)]
        assert {job.state for job in jobs} == {job_pb2.JOB_STATE_PENDING}
        call = house.jobs.WatchJob(
            job_service_pb2.WatchJobRequest(job_id=jobs[0].job_id, after_sequence=0),
            metadata=house.client,
        )
        messages = aiter(call)
        assert (await anext(messages)).event.sequence == 1
        await house.jobs.CancelJob(
            job_service_pb2.CancelJobRequest(job_id=jobs[0].job_id), metadata=house.client
        )
        async with asyncio.timeout(10):
            while (message := await anext(messages)).event.job_state_changed.state != (
                job_pb2.JOB_STATE_CANCELLED
            ):
                assert message.sequence
        await asyncio.to_thread(valkey.start)
        for job in jobs[1:]:
            await until_state(house, job.job_id, job_pb2.JOB_STATE_QUEUED)
        steps = {
            (await take_message(valkey.url(), "translation.normal")).kwargs["step_id"]
            for _ in jobs[1:]
        }
        assert steps == {job.steps[0].step_id for job in jobs[1:]}


async def test_changes_elsewhere_are_seen_by_polling_when_redis_is_away(
    database_url: str, artifacts_directory: Path, valkey: EmbeddedValkey
) -> None:
    async with (
        open_house(database_url, valkey.url(), artifacts_directory) as here,
        open_house(database_url, valkey.url(), artifacts_directory) as there,
    ):
        job = await here.create()
        call = there.jobs.WatchJob(
            job_service_pb2.WatchJobRequest(job_id=job.job_id, after_sequence=0),
            metadata=here.client,
        )
        messages = aiter(call)
        await anext(messages)
        await here.jobs.CancelJob(
            job_service_pb2.CancelJobRequest(job_id=job.job_id), metadata=here.client
        )
        async with asyncio.timeout(10):
            events = [m.event async for m in messages if m.HasField("event")]
        assert events[-1].job_state_changed.state == job_pb2.JOB_STATE_CANCELLED


async def test_queued_steps_are_sent_again_when_redis_has_lost_its_data(
    database_url: str, artifacts_directory: Path, valkey: EmbeddedValkey
) -> None:
    await asyncio.to_thread(valkey.start)
    async with open_house(database_url, valkey.url(), artifacts_directory) as house:
        job = await house.create()
        await until_state(house, job.job_id, job_pb2.JOB_STATE_QUEUED)
        client = redis.asyncio.Redis.from_url(valkey.url())
        async with client:
            async with asyncio.timeout(10):
                while not await client.exists(KEY):
                    await asyncio.sleep(0.05)
            await client.flushall()
        again = await take_message(valkey.url(), "translation.normal")
        assert again.kwargs == {"step_id": job.steps[0].step_id, "generation": 1}


async def test_service_goes_on_when_redis_restarts(
    database_url: str, artifacts_directory: Path, valkey: EmbeddedValkey
) -> None:
    await asyncio.to_thread(valkey.start)
    async with open_house(database_url, valkey.url(), artifacts_directory) as house:
        first = await house.create()
        await until_state(house, first.job_id, job_pb2.JOB_STATE_QUEUED)
        await asyncio.to_thread(valkey.stop)
        second = await house.create()
        assert second.state == job_pb2.JOB_STATE_PENDING
        await asyncio.to_thread(valkey.start)
        found = {
            (await take_message(valkey.url(), "translation.normal", 20)).kwargs["step_id"]
            for _ in range(2)
        }
        assert found == {first.steps[0].step_id, second.steps[0].step_id}
