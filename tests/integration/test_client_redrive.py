"""Retrying and deleting through the clients: repeated safely when answers are lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from babelmill.client import AsyncClient, CallPolicy, Client
from babelmill.client.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from babelmill.client.resumption import ResumePolicy
from babelmill.jobs.v1 import job_pb2
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import TOKEN, UNAVAILABLE
from tests.integration.job_service_house import House, open_house
from tests.integration.test_job_service_redrive import dead, failed
from tests.integration.test_job_service_workers import complete, lease_next

T = TypeVar("T")

IMPATIENT = CallPolicy(
    submit=ResumePolicy(first_delay_seconds=0.01, largest_delay_seconds=0.01, patience_seconds=0.2)
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


@pytest.fixture
def client(peer: Peer) -> Iterator[Client]:
    with Client(peer.address, TOKEN) as opened:
        yield opened


def test_one_retry_is_made_when_its_answer_is_lost(peer: Peer, client: Client) -> None:
    old = peer.add_job(events=2)
    peer.faults.lost_answers = 2
    new = client.retry_job(old)
    assert new.parent_job_id == old
    assert set(peer.jobs) == {old, new.job_id}


def test_retry_is_not_repeated_when_it_has_no_request_id(peer: Peer, client: Client) -> None:
    old = peer.add_job(events=2)
    peer.faults.lost_answers = 1
    with pytest.raises(Unavailable):
        client.retry_job(old, request_id="")


def test_job_counts_as_deleted_when_the_answer_was_lost(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(events=2)
    peer.faults.lost_answers = 1
    client.delete_job(job_id)
    assert peer.jobs == {}
    with pytest.raises(NotFound):
        client.delete_job(job_id)


async def test_job_counts_as_deleted_when_the_asyncio_answer_was_lost(peer: Peer) -> None:
    job_id = peer.add_job(events=2)
    peer.faults.lost_answers = 1
    async with AsyncClient(peer.address, TOKEN) as client:
        await client.delete_job(job_id)
        assert peer.jobs == {}
        with pytest.raises(NotFound):
            await client.delete_job(job_id)


def test_deletion_gives_up_when_the_service_stays_away(peer: Peer) -> None:
    job_id = peer.add_job(events=2)
    peer.faults.refusals = [UNAVAILABLE] * 1000
    with Client(peer.address, TOKEN, policy=IMPATIENT) as client, pytest.raises(Unavailable):
        client.delete_job(job_id)
    assert list(peer.jobs) == [job_id]


@asynccontextmanager
async def both_clients(house: House) -> AsyncIterator[tuple[Client, AsyncClient]]:
    address = f"127.0.0.1:{house.service.client_port.number}"
    token = house.client[0][1].removeprefix("Bearer ")
    with Client(address, token) as blocking:
        async with AsyncClient(address, token) as client:
            yield blocking, client


async def in_thread(call: Callable[[], T]) -> T:
    """Call the blocking client while the service runs in this loop."""
    return await asyncio.to_thread(call)


async def test_dead_letters_are_brought_back_through_both_clients(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with (
        open_house(database_url, redis_url, artifacts_directory) as house,
        both_clients(house) as (blocking, client),
    ):
        letters = [(await dead(house, redis_url, database_url)).job_id for _ in range(3)]
        listed = [each.job_id async for each in client.dead_letters(page_size=2)]
        assert listed == letters[::-1]
        assert (
            await in_thread(lambda: [each.job_id for each in blocking.dead_letters(page_size=2)])
            == listed
        )
        replays = await client.replay_dead_letters(letters)
        assert [replay.parent_job_id for replay in replays] == letters
        again = await in_thread(lambda: blocking.replay_dead_letters(letters))
        assert [replay.job_id for replay in again] == [replay.job_id for replay in replays]
        names = [queue.name for queue in await client.queues()]
        assert names == await in_thread(lambda: [queue.name for queue in blocking.queues()])
        assert "translation.normal" in names
        with pytest.raises(InvalidArgument):
            await client.replay_dead_letters([])


async def test_ended_job_is_retried_and_deleted_through_both_clients(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with (
        open_house(database_url, redis_url, artifacts_directory) as house,
        both_clients(house) as (blocking, client),
    ):
        old = await failed(house, redis_url, "pt", "es")
        new = await client.retry_job(old.job_id)
        assert [target.key for target in new.targets] == ["es"]
        with pytest.raises(FailedPrecondition) as refusal:
            await client.delete_job(new.job_id)
        assert refusal.value.reason == "JOB_ACTIVE"
        await complete(house, await lease_next(house, redis_url), "hecho")
        whole = await in_thread(lambda: blocking.retry_job(old.job_id, all_targets=True))
        assert [target.key for target in whole.targets] == ["pt", "es"]
        await client.delete_job(new.job_id)
        await in_thread(lambda: blocking.delete_job(old.job_id))
        left = [job.job_id async for job in client.list_jobs()]
        assert left == [whole.job_id]
        assert whole.state == job_pb2.JOB_STATE_PENDING
