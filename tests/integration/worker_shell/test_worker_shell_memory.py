"""How much memory a worker's children take, and what happens when it is too much."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.deadlines import eventually
from tests.worker_peer import PeerStep, WorkerPeer, outputs_of, publisher
from tests.worker_process import WorkerProcess

MIB = 1024 * 1024
Start = Callable[..., WorkerProcess]


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
        workers.append(
            WorkerProcess(tmp_path, grpc_port=peer.port, redis_url=redis_url, **settings)
        )
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


def _run_all(
    peer: WorkerPeer, url: str, scripts: list[dict[str, object]], *, timeout_seconds: float = 60
) -> list[PeerStep]:
    """Publish all at once and wait until each is done."""
    steps = [peer.add(PeerStep(script)) for script in scripts]
    publish = publisher(url)
    for step in steps:
        publish(step)
    for step in steps:
        peer.wait_for("CompleteStep", step, timeout_seconds=timeout_seconds)
    return steps


def _child(worker: WorkerProcess) -> psutil.Process:
    (child,) = [each for each in worker.descendants() if "spawn_main" in " ".join(each.cmdline())]
    return child


def test_children_are_replaced_between_attempts_when_they_grow_too_large(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start()
    _run_all(peer, redis_url, [{"do": "echo", "text": "warm"}])
    plain_bytes = _child(worker).memory_info().rss
    worker.end()
    start(worker_max_memory_bytes=str(plain_bytes + 50 * MIB))

    steps = _run_all(peer, redis_url, [{"do": "grow", "size": 20 * MIB}] * 12)

    children = [outputs_of(peer.of("CompleteStep", step)[0])[0].inline for step in steps]
    # Two fit below the limit, the third is too much.
    assert 4 <= len(set(children)) <= 6
    for step in steps:
        assert len(peer.of("AcquireLeases", step)) == len(peer.of("CompleteStep", step)) == 1
        assert not peer.of("FailStep", step)


def test_memory_stays_flat_when_many_small_steps_run(
    start: Start, peer: WorkerPeer, redis_url: str
) -> None:
    worker = start()
    few: list[dict[str, object]] = [{"do": "echo", "text": str(number)} for number in range(100)]
    _run_all(peer, redis_url, few)
    child = eventually(lambda: _child(worker))
    before_bytes = child.memory_info().rss
    _run_all(peer, redis_url, few * 2)
    assert _child(worker).pid == child.pid
    assert child.memory_info().rss < before_bytes * 1.05
