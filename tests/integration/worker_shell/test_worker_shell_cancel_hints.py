"""How soon a worker hears of a cancel, and what hints can not do."""

import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.cancel_hint import CHANNEL, decode_cancel_hint, encode_cancel_hint
from tests.deadlines import eventually
from tests.worker_peer import PeerStep, WorkerPeer, failure_of, publisher
from tests.worker_process import WorkerProcess

# Far longer than a test waits: what comes sooner came by a hint.
HEARTBEAT_SECONDS = 30


@pytest.fixture
def peer() -> Iterator[WorkerPeer]:
    peer = WorkerPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def worker(tmp_path: Path, peer: WorkerPeer, redis_url: str) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(
        tmp_path,
        grpc_port=peer.port,
        redis_url=redis_url,
        heartbeat_seconds=str(HEARTBEAT_SECONDS),
        worker_concurrency="2",
    )
    yield worker
    worker.end()


def _begin(peer: WorkerPeer, url: str) -> PeerStep:
    step = peer.add(PeerStep({"do": "wait"}, ttl_seconds=3 * HEARTBEAT_SECONDS))
    publisher(url)(step)
    peer.wait_for("Heartbeat", step)  # the one that its first progress makes
    return step


def _has_beaten(peer: WorkerPeer, step: PeerStep, times: int) -> bool:
    return len(peer.of("Heartbeat", step)) == times


@pytest.mark.row("B3")
@pytest.mark.usefixtures("worker")
def test_cancelled_step_stops_at_once_and_no_other_is_asked_about_when_a_hint_comes(
    peer: WorkerPeer, redis_url: str
) -> None:
    step, other = _begin(peer, redis_url), _begin(peer, redis_url)
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 1)
        for noise in ("", "no id", "\u00e9", uuid.uuid4().hex):
            client.publish(CHANNEL, noise)
        beats = len(peer.of("Heartbeat", other))
        step.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
        hinted = time.monotonic()
        client.publish(CHANNEL, encode_cancel_hint(step.job_id))
    assert failure_of(peer.wait_for("FailStep", step, timeout_seconds=5)).reason == "CANCELLED"
    assert time.monotonic() - hinted < 0.5
    assert len(peer.of("Heartbeat", other)) == beats


@pytest.mark.usefixtures("worker")
def test_step_goes_on_when_a_hint_lies(peer: WorkerPeer, redis_url: str) -> None:
    step = _begin(peer, redis_url)
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 1)
        for beats in (1, 2, 3):
            assert len(peer.of("Heartbeat", step)) == beats
            client.publish(CHANNEL, encode_cancel_hint(step.job_id))
            eventually(partial(_has_beaten, peer, step, beats + 1))
    assert not peer.of("FailStep", step)


@pytest.mark.usefixtures("worker")
def test_hints_are_heard_again_when_the_link_was_cut(peer: WorkerPeer, redis_url: str) -> None:
    step = _begin(peer, redis_url)
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 1)
        client.client_kill_filter(_type="pubsub")
        eventually(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 1)
        step.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
        client.publish(CHANNEL, encode_cancel_hint(step.job_id))
    assert failure_of(peer.wait_for("FailStep", step, timeout_seconds=5)).reason == "CANCELLED"


@pytest.mark.parametrize("data", [None, 1, "text", b"", b"\xff", b"0" * 31, b"x" * 32])
def test_message_is_no_hint_when_it_names_no_job(data: object) -> None:
    assert decode_cancel_hint(data) is None
    job_id = uuid.uuid4()
    assert decode_cancel_hint(encode_cancel_hint(job_id).encode()) == job_id
