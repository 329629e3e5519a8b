"""Watches over real gRPC: resumed where they broke, and cancelled when left."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from babelmill.client import AsyncClient, CallPolicy, Client, Event, Snapshot
from babelmill.client.errors import NotFound, Unavailable, WaitTimeout
from babelmill.client.resumption import ResumePolicy
from babelmill.jobs.v1 import job_pb2
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import (
    INTERNAL,
    SILENCE,
    SLOW,
    TOKEN,
    UNAVAILABLE,
)

FAST = CallPolicy(
    watch_stall_seconds=0.5,
    stream=ResumePolicy(first_delay_seconds=0.01, largest_delay_seconds=0.05, patience_seconds=20),
)
BREAKS = [
    (0, UNAVAILABLE),
    (2, SLOW),
    (1, INTERNAL),
    (3, UNAVAILABLE),
    (0, INTERNAL),
    (4, SILENCE),
]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


@pytest.fixture
def client(peer: Peer) -> Iterator[Client]:
    with Client(peer.address, TOKEN, policy=FAST) as opened:
        yield opened


def test_every_event_comes_once_when_the_watch_breaks(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(12)
    peer.faults.breaks = list(BREAKS)
    with client.watch_job(job_id, after_sequence=0) as watch:
        events = [update.sequence for update in watch if isinstance(update, Event)]
    assert events == list(range(1, 13))
    assert watch.sequence == 12
    assert len(peer.watches) > len(BREAKS)


async def test_every_event_comes_once_when_the_asyncio_watch_breaks(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 12)
    peer.faults.breaks = list(BREAKS)
    async with (
        AsyncClient(peer.address, TOKEN, policy=FAST) as client,
        client.watch_job(job_id, after_sequence=0) as watch,
    ):
        events = [update.sequence async for update in watch if isinstance(update, Event)]
    assert events == list(range(1, 13))
    assert len(peer.watches) > len(BREAKS)


def test_a_snapshot_comes_first_when_no_sequence_is_given(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(2, final=False)
    with client.watch_job(job_id) as watch:
        first = next(watch)
        assert isinstance(first, Snapshot)
        assert first.sequence == 2
        peer.happen(job_id, job_pb2.JOB_STATE_COMPLETED)
        rest = [update.sequence for update in watch if isinstance(update, Event)]
    assert rest == [3]


def test_the_call_ends_well_when_the_job_has_ended(peer: Peer, client: Client) -> None:
    list(client.watch_job(peer.add_job(3)))
    (watch,) = peer.watches
    assert watch.ended.wait(5)
    assert not watch.was_cancelled


def test_nothing_is_yielded_when_the_watch_begins_after_the_end(peer: Peer, client: Client) -> None:
    assert list(client.watch_job(peer.add_job(3), after_sequence=3)) == []


def test_the_server_sees_a_cancel_when_the_watch_is_dropped(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(1, final=False)
    for _ in client.watch_job(job_id):
        break
    gc.collect()
    (watch,) = peer.watches
    assert watch.ended.wait(5)
    assert watch.was_cancelled


def test_the_server_sees_a_cancel_when_the_watch_is_closed_elsewhere(
    peer: Peer, client: Client
) -> None:
    watch = client.watch_job(peer.add_job(1, final=False))
    assert isinstance(next(watch), Snapshot)
    reader = threading.Thread(target=lambda: list(watch))
    reader.start()
    watch.close()
    reader.join(5)
    assert not reader.is_alive()
    assert peer.watches[0].ended.wait(5)
    assert peer.watches[0].was_cancelled


async def test_the_server_sees_a_cancel_when_the_asyncio_watch_is_dropped(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 1, final=False)
    async with AsyncClient(peer.address, TOKEN) as client:
        async for _ in client.watch_job(job_id):
            break
        gc.collect()
        assert await asyncio.to_thread(peer.watches[0].ended.wait, 5)
    assert peer.watches[0].was_cancelled


async def test_the_server_sees_a_cancel_when_the_task_is_cancelled(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 1, final=False)
    async with AsyncClient(peer.address, TOKEN) as client:
        seen = asyncio.Event()

        async def follow() -> None:
            async for _ in client.watch_job(job_id):
                seen.set()

        task = asyncio.create_task(follow())
        await asyncio.wait_for(seen.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(peer.watches[0].ended.wait, 5)
    assert peer.watches[0].was_cancelled


async def test_a_timed_out_read_loses_nothing_when_the_watch_is_read_again(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 1, final=False)
    async with AsyncClient(peer.address, TOKEN) as client, client.watch_job(job_id) as watch:
        assert isinstance(await anext(watch), Snapshot)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(watch), 0.05)
        await asyncio.to_thread(peer.happen, job_id, job_pb2.JOB_STATE_COMPLETED)
        events = [update.sequence async for update in watch if isinstance(update, Event)]
    assert events == [2]


async def test_closing_ends_the_reader_when_it_waits_in_another_task(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 1, final=False)
    async with AsyncClient(peer.address, TOKEN) as client:
        watch = client.watch_job(job_id)
        assert isinstance(await anext(watch), Snapshot)

        async def read_rest() -> list[object]:
            return [update async for update in watch]

        reader = asyncio.create_task(read_rest())
        await asyncio.sleep(0)
        await watch.aclose()
        assert await asyncio.wait_for(reader, 5) == [], "only keep-alives were left"


def test_the_error_is_raised_when_the_job_is_unknown(client: Client) -> None:
    with pytest.raises(NotFound) as raised:
        next(client.watch_job("0199aa00-0000-7000-8000-000000000001"))
    assert raised.value.reason == "JOB_NOT_FOUND"


def test_the_watch_is_given_up_when_the_service_stays_away(peer: Peer) -> None:
    policy = CallPolicy(stream=ResumePolicy(first_delay_seconds=0.01, patience_seconds=0.2))
    peer.faults.breaks = [(0, UNAVAILABLE)] * 50
    with (
        Client(peer.address, TOKEN, policy=policy) as client,
        pytest.raises(Unavailable, match="draining"),
    ):
        list(client.watch_job(peer.add_job(3)))


def test_wait_returns_the_ended_job_when_it_ends(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(1, final=False)
    ending = threading.Timer(0.1, peer.happen, (job_id, job_pb2.JOB_STATE_FAILED))
    ending.start()
    assert client.wait(job_id, timeout_seconds=10).state == job_pb2.JOB_STATE_FAILED
    ending.join()


def test_wait_is_over_when_the_time_is(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(1, final=False)
    with pytest.raises(WaitTimeout):
        client.wait(job_id, timeout_seconds=0.1)
    assert peer.watches[0].ended.wait(5)


async def test_asyncio_wait_is_over_when_the_time_is(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 1, final=False)
    async with AsyncClient(peer.address, TOKEN) as client:
        with pytest.raises(WaitTimeout):
            await client.wait(job_id, timeout_seconds=0.1)
        assert await asyncio.to_thread(peer.watches[0].ended.wait, 5)
        await asyncio.to_thread(peer.happen, job_id, job_pb2.JOB_STATE_COMPLETED)
        assert (await client.wait(job_id)).state == job_pb2.JOB_STATE_COMPLETED
