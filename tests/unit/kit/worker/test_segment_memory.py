"""The tenant's memory as an attempt sees it, against a server that speaks the protocol."""

from collections.abc import Iterator
from hashlib import sha256

import grpc
import pytest
import structlog

from babelmill.jobs.v1 import lease_pb2, worker_service_pb2_grpc
from babelmill.kit.worker.segment_memory import LARGEST_VALUE_BYTES, SegmentMemory
from tests.worker_peer import WorkerPeer


@pytest.fixture
def peer() -> Iterator[WorkerPeer]:
    peer = WorkerPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def memory(peer: WorkerPeer) -> Iterator[SegmentMemory]:
    with grpc.insecure_channel(f"127.0.0.1:{peer.port}") as channel:
        yield SegmentMemory(
            worker_service_pb2_grpc.WorkerServiceStub(channel),
            worker_id="w",
            ref=lease_pb2.LeaseRef(step_id="s", generation=1, lease_id="l"),
            log=structlog.stdlib.get_logger(),
        )


def _keys(count: int) -> list[bytes]:
    return [sha256(str(number).encode()).digest() for number in range(count)]


def test_what_was_remembered_is_recalled_in_several_calls(
    peer: WorkerPeer, memory: SegmentMemory
) -> None:
    keys = _keys(1200)
    memory.remember({key: key[:4] for key in keys})
    assert memory.recall(keys) == {key: key[:4] for key in keys}
    assert len(peer.of("RememberSegments")) == 3
    assert len(peer.of("RecallSegments")) == 3


def test_calls_stay_small_when_the_values_are_large(
    peer: WorkerPeer, memory: SegmentMemory
) -> None:
    keys = _keys(40)
    memory.remember(dict.fromkeys(keys, b"x" * LARGEST_VALUE_BYTES))
    assert len(peer.of("RememberSegments")) == 3
    memory.remember({bytes(32): b"x" * (LARGEST_VALUE_BYTES + 1)})
    assert bytes(32) not in peer.memory


def test_work_goes_on_without_memory_when_the_service_has_none(
    peer: WorkerPeer, memory: SegmentMemory
) -> None:
    peer.unavailable = {"RecallSegments", "RememberSegments"}
    assert memory.recall(_keys(2000)) == {}
    memory.remember({bytes(32): b"x"})
    assert len(peer.of("RecallSegments")) == 1
    assert peer.of("RememberSegments") == []
