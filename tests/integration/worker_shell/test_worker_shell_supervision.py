"""Children that hang or die, and what is left of them: nothing."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from babelmill.jobs.v1 import lease_pb2, worker_service_pb2
from tests.deadlines import eventually
from tests.worker_peer import PeerStep, WorkerPeer, failure_of, publisher
from tests.worker_process import WorkerProcess

Start = Callable[..., WorkerProcess]
GONE_SECONDS = 2.0


@pytest.fixture
def peer() -> Iterator[WorkerPeer]:
    peer = WorkerPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def start(tmp_path: Path, peer: WorkerPeer, redis_url: str) -> Iterator[Start]:
    workers: list[WorkerProcess] = []

    def start(**settings: str) -> WorkerProcess:
        directory = tmp_path / f"worker{len(workers)}"
        options = {"redis_url": redis_url, **settings}
        workers.append(WorkerProcess(directory, grpc_port=peer.port, **options))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


def _begin(peer: WorkerPeer, url: str, step: PeerStep) -> PeerStep:
    publisher(url)(peer.add(step))
    peer.wait_for("AcquireLeases", step)
    return step


def _program(worker: WorkerProcess) -> psutil.Process:
    """The program that a handler has started."""
    return eventually(lambda: [each for each in worker.descendants() if each.name() == "sleep"])[0]


def _left(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != "zombie"]


def _slot_is_free(peer: WorkerPeer, url: str, ended: PeerStep) -> None:
    ended.generation += 1  # the service has moved the step on: its old message is stale
    after = _begin(peer, url, PeerStep({"do": "echo", "text": "free again"}))
    peer.wait_for("CompleteStep", after)


@pytest.mark.row("S2.4")
def test_child_is_killed_and_its_step_reported_when_it_lets_no_thread_run_past_the_hard_limit(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_stop_grace_seconds="1")
    step = _begin(peer, redis_url, PeerStep({"do": "freeze"}, timeout_seconds=2))
    began = time.monotonic()
    program = _program(worker)
    family = [each for each in worker.descendants() if "spawn_main" in " ".join(each.cmdline())]

    failure = failure_of(peer.wait_for("FailStep", step))

    assert (failure.reason, failure.retryable) == ("STEP_TIMEOUT", True)
    assert 1.5 < time.monotonic() - began < 8
    assert not _left([program, *family])
    assert not list(worker.scratch.rglob("partial"))
    _slot_is_free(peer, redis_url, step)


@pytest.mark.row("S2.8")
def test_service_hears_at_once_and_nothing_is_left_when_a_child_is_killed(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start()
    step = _begin(peer, redis_url, PeerStep({"do": "freeze"}))
    program = _program(worker)
    (child,) = [each for each in worker.descendants() if each.pid == program.ppid()]
    child.kill()
    killed = time.monotonic()

    failure = failure_of(peer.wait_for("FailStep", step))

    # Not when the lease of 30 s runs out.
    assert time.monotonic() - killed < GONE_SECONDS
    assert failure.reason == "WORKER_CRASHED"
    # A program that was not bound to the child in any way has gone all the same.
    assert not _left([program])
    assert not list(worker.scratch.rglob("partial"))
    _slot_is_free(peer, redis_url, step)


def test_child_is_ended_when_its_heartbeats_have_stopped_for_long(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_stop_grace_seconds="0.5")
    step = _begin(peer, redis_url, PeerStep({"do": "freeze"}, ttl_seconds=1, timeout_seconds=50))
    program = _program(worker)
    assert failure_of(peer.wait_for("FailStep", step)).reason == "WORKER_CRASHED"
    assert not _left([program])
    assert "child_does_not_answer" in worker.log
    _slot_is_free(peer, redis_url, step)


def test_child_lives_on_when_the_whole_worker_was_frozen_for_long(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start(worker_stop_grace_seconds="0.5")
    step = _begin(peer, redis_url, PeerStep({"do": "wait"}, ttl_seconds=0.5))
    peer.wait_for("Heartbeat", step)
    family = [psutil.Process(worker.pid), *worker.descendants()]
    for each in family:
        each.suspend()
    stopped = time.monotonic()
    eventually(lambda: time.monotonic() - stopped > 3)
    before = len(peer.of("Heartbeat", step))
    for each in family:
        each.resume()
    eventually(lambda: len(peer.of("Heartbeat", step)) > before + 3)
    step.directive = lease_pb2.LEASE_DIRECTIVE_CANCEL
    assert failure_of(peer.wait_for("FailStep", step)).reason == "CANCELLED"
    assert _left(family) == family


@pytest.mark.parametrize("frozen_first", [False, True])
@pytest.mark.row("S2.8")
def test_nothing_runs_on_when_the_worker_is_killed(
    start: Start, peer: WorkerPeer, redis_url: str, frozen_first: bool
) -> None:
    worker = start(worker_concurrency="2")
    step = _begin(peer, redis_url, PeerStep({"do": "wait"}))
    peer.wait_for("Heartbeat", step)
    family = worker.descendants()
    if frozen_first:
        worker.signal(signal.SIGSTOP)
    worker.signal(signal.SIGKILL)
    worker.wait()
    eventually(lambda: not _left(family), timeout_seconds=GONE_SECONDS)


def test_what_an_attempt_has_cost_is_told_when_it_fails(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    start()
    step = _begin(peer, redis_url, PeerStep({"do": "cost"}))
    request = peer.wait_for("FailStep", step).request
    assert isinstance(request, worker_service_pb2.FailStepRequest)
    assert (request.usage.cpu_seconds, request.usage.input_bytes) == (1.5, 7)
    assert request.usage.processing_seconds > 0
    assert not request.usage.HasField("peak_rss_bytes")
    late = _begin(peer, redis_url, PeerStep({"do": "wait"}, timeout_seconds=0.5))
    request = peer.wait_for("FailStep", late).request
    assert isinstance(request, worker_service_pb2.FailStepRequest)
    assert request.usage.processing_seconds > 0.4
