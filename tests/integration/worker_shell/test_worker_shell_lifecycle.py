"""Starting, stopping and dying of a real worker process."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from babelmill.jobs.v1 import lease_pb2
from babelmill.stack.valkey import EmbeddedValkey
from tests.deadlines import eventually
from tests.worker_peer import PeerStep, WorkerPeer, failure_of, publisher
from tests.worker_process import WorkerProcess


@pytest.fixture
def peer() -> Iterator[WorkerPeer]:
    peer = WorkerPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def start(
    tmp_path: Path, peer: WorkerPeer, redis_url: str
) -> Iterator[Callable[..., WorkerProcess]]:
    workers: list[WorkerProcess] = []

    def start(**settings: str) -> WorkerProcess:
        options = {"redis_url": redis_url, **settings}
        worker = WorkerProcess(
            tmp_path / f"worker{len(workers)}",
            grpc_port=peer.port,
            **options,
        )
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.end()


Start = Callable[..., WorkerProcess]


def _begin(peer: WorkerPeer, url: str, script: dict[str, object]) -> PeerStep:
    step = peer.add(PeerStep(script))
    publisher(url)(step)
    peer.wait_for("AcquireLeases", step)
    return step


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_step_is_handed_over_when_the_drain_limit_is_over(
    start: Start, peer: WorkerPeer, redis_url: str, number: signal.Signals
) -> None:
    worker = start(worker_drain_seconds="0.5")
    step = _begin(peer, redis_url, {"do": "wait"})
    peer.wait_for("Heartbeat", step)
    family = worker.descendants()
    worker.signal(number)
    failure = failure_of(peer.wait_for("FailStep", step, timeout_seconds=10))
    assert (failure.reason, failure.retryable) == ("WORKER_SHUTDOWN", True)
    assert worker.wait(15) == 0
    assert not [process for process in family if process.is_running()]
    assert not list(worker.scratch.iterdir())


def test_running_step_is_finished_when_it_ends_within_the_drain_limit(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_drain_seconds="20")
    step = _begin(peer, redis_url, {"do": "progress", "ticks": 30})
    waiting = peer.add(PeerStep({"do": "echo", "text": "later"}))
    publisher(redis_url)(waiting)
    worker.signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert peer.of("CompleteStep", step)
    assert not peer.of("AcquireLeases", waiting)
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("translation.normal") == 1
        assert not client.hlen("unacked")


def test_step_is_handed_over_at_once_when_the_stop_signal_comes_twice(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_drain_seconds="60")
    step = _begin(peer, redis_url, {"do": "wait"})
    worker.signal(signal.SIGTERM)
    eventually(lambda: "worker_stopping" in worker.log)
    worker.signal(signal.SIGTERM)
    assert failure_of(peer.wait_for("FailStep", step)).reason == "WORKER_SHUTDOWN"
    assert worker.wait(15) == 0


def test_stuck_handler_is_ended_with_its_process_when_its_grace_is_over(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_stop_grace_seconds="0.5")
    step = _begin(peer, redis_url, {"do": "ignore"})
    children = {process.pid for process in eventually(worker.descendants)}
    step.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
    assert failure_of(peer.wait_for("FailStep", step)).reason == "CANCELLED"
    step.generation = 2
    after = _begin(peer, redis_url, {"do": "echo", "text": "free again"})
    peer.wait_for("CompleteStep", after)
    assert {process.pid for process in worker.descendants()} != children


def test_stuck_handler_does_not_hold_up_the_end_when_the_worker_stops(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_drain_seconds="0", worker_stop_grace_seconds="1")
    step = _begin(peer, redis_url, {"do": "ignore"})
    eventually(lambda: len(worker.descendants()) >= 2)
    worker.signal(signal.SIGTERM)
    assert failure_of(peer.wait_for("FailStep", step)).reason == "WORKER_SHUTDOWN"
    worker.wait(20)


def test_children_die_when_the_parent_is_killed(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start()
    _begin(peer, redis_url, {"do": "wait"})
    family = worker.descendants()
    assert family
    worker.signal(signal.SIGKILL)
    worker.wait()

    def gone() -> bool:
        left = [process for process in family if process.is_running()]
        return all(process.status() == psutil.STATUS_ZOMBIE for process in left)

    eventually(gone)


def test_scratch_of_a_killed_worker_is_removed_when_the_next_one_starts(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start()
    _begin(peer, redis_url, {"do": "wait"})
    left = eventually(lambda: list(worker.scratch.rglob("partial")))
    worker.signal(signal.SIGKILL)
    worker.wait()
    assert left[0].exists()
    start(scratch=str(worker.scratch))
    eventually(lambda: not left[0].exists())


def test_worker_takes_work_when_broker_and_service_come_up_after_it(
    start: Start, tmp_path: Path
) -> None:
    valkey = EmbeddedValkey(tmp_path / "valkey")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    late = WorkerPeer()
    late.port = port
    worker = start(redis_url=valkey.url(), worker_grpc=f"127.0.0.1:{port}")
    eventually(lambda: "announce_failed" in worker.log and "Cannot connect" in worker.log)
    try:
        valkey.start()
        late.start()
        step = late.add(PeerStep({"do": "echo", "text": "up"}))
        publisher(valkey.url())(step)
        late.wait_for("CompleteStep", step, timeout_seconds=45)
        late.wait_for("AnnounceWorker")
        assert worker.log.count("announce_failed") == 1
    finally:
        late.stop()
        valkey.stop()


def test_worker_goes_on_when_the_broker_restarts_with_nothing_in_it(
    start: Start, peer: WorkerPeer, tmp_path: Path
) -> None:
    valkey = EmbeddedValkey(tmp_path / "valkey")
    valkey.start()
    try:
        worker = start(redis_url=valkey.url())
        publish = publisher(valkey.url())
        running = peer.add(PeerStep({"do": "progress", "ticks": 40}))
        publish(running)
        peer.wait_for("Heartbeat", running)
        valkey.stop()
        valkey.start()
        peer.wait_for("CompleteStep", running)
        step = peer.add(PeerStep({"do": "echo", "text": "again"}))
        publisher(valkey.url())(step)
        peer.wait_for("CompleteStep", step, timeout_seconds=45)
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        valkey.stop()


def test_worker_stops_when_told_to_while_the_broker_is_away(
    start: Start, peer: WorkerPeer, tmp_path: Path
) -> None:
    worker = start(redis_url=EmbeddedValkey(tmp_path / "valkey").url())
    eventually(lambda: "Cannot connect" in worker.log)
    worker.signal(signal.SIGTERM)
    started = time.monotonic()
    assert worker.wait(15) == 0
    assert time.monotonic() - started < 10


def test_every_wrong_setting_is_named_without_its_value_when_settings_are_wrong(
    start: Start,
) -> None:
    worker = start(
        redis_url="http://user:canary-1@host", worker_concurrency="canary-2", log_level="canary-3"
    )
    assert worker.wait() == 78
    for name in ("REDIS_URL", "WORKER_CONCURRENCY", "LOG_LEVEL"):
        assert f"BABELMILL_{name}" in worker.log
    assert "canary" not in worker.log
