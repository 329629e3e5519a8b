"""One worker process for the tests of a module, with a peer and a collector of its own."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.collector import Collector
from tests.worker_peer import PeerStep, WorkerPeer, publisher
from tests.worker_process import WorkerProcess

if TYPE_CHECKING:
    from babelmill.stack.valkey import EmbeddedValkey


@pytest.fixture(scope="module")
def peer() -> Iterator[WorkerPeer]:
    peer = WorkerPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture(scope="module")
def broker_url(valkey_server: "EmbeddedValkey") -> str:
    return valkey_server.url(5)


@pytest.fixture(scope="module")
def worker(
    peer: WorkerPeer,
    collector: Collector,
    broker_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(
        tmp_path_factory.mktemp("worker"),
        grpc_port=peer.port,
        redis_url=broker_url,
        otlp_endpoint=collector.endpoint,
    )
    peer.wait_for("AnnounceWorker")
    yield worker
    worker.end()


@pytest.fixture(scope="module")
def publish(broker_url: str) -> Callable[..., None]:
    return publisher(broker_url)


@pytest.fixture
def run(
    worker: WorkerProcess, peer: WorkerPeer, publish: Callable[..., None]
) -> Callable[..., PeerStep]:
    def run(script: dict[str, object], **options: object) -> PeerStep:
        step = peer.add(PeerStep(script, **options))  # type: ignore[arg-type]  # a test's options
        publish(step)
        return step

    return run
