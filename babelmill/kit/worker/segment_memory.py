"""The tenant's memory of segments, as one attempt sees it.

It saves work and decides nothing: what cannot be recalled is done anew, and
what cannot be kept is lost without harm. So no call fails; the first that does
not succeed is told of, and none is made after it.
"""

from collections.abc import Iterator, Mapping, Sequence

import grpc
import structlog

from babelmill.jobs.v1 import lease_pb2, worker_service_pb2, worker_service_pb2_grpc

LARGEST_VALUE_BYTES = 64 * 1024

_KEYS_PER_CALL = 500
_BYTES_PER_CALL = 1024 * 1024
_CALL_SECONDS = 5.0


class SegmentMemory:
    """Recalls and remembers under one lease."""

    def __init__(
        self,
        service: worker_service_pb2_grpc.WorkerServiceStub,
        *,
        worker_id: str,
        ref: lease_pb2.LeaseRef,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._service = service
        self._worker_id = worker_id
        self._ref = ref
        self._log = log
        self._is_away = False

    def recall(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what is known under the keys, each of 32 bytes."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _KEYS_PER_CALL):
            if self._is_away:
                break
            request = worker_service_pb2.RecallSegmentsRequest(
                worker_id=self._worker_id,
                ref=self._ref,
                keys=keys[start : start + _KEYS_PER_CALL],
            )
            try:
                response = self._service.RecallSegments(request, timeout=_CALL_SECONDS)
            except grpc.RpcError as error:
                self._give_up(error)
                break
            found.update((entry.key, entry.value) for entry in response.entries)
        return found

    def remember(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep values under their keys; one of over 64 KiB is left out."""
        for batch in _batches(entries):
            if self._is_away:
                return
            request = worker_service_pb2.RememberSegmentsRequest(
                worker_id=self._worker_id, ref=self._ref, entries=batch
            )
            try:
                self._service.RememberSegments(request, timeout=_CALL_SECONDS)
            except grpc.RpcError as error:
                self._give_up(error)

    def _give_up(self, error: grpc.RpcError) -> None:
        self._is_away = True
        self._log.warning("segment_memory_away", code=error.code().name)


def _batches(
    entries: Mapping[bytes, bytes],
) -> Iterator[list[worker_service_pb2.MemoryEntry]]:
    batch: list[worker_service_pb2.MemoryEntry] = []
    size_bytes = 0
    for key, value in entries.items():
        if len(value) > LARGEST_VALUE_BYTES:
            continue
        if batch and (len(batch) == _KEYS_PER_CALL or size_bytes + len(value) > _BYTES_PER_CALL):
            yield batch
            batch, size_bytes = [], 0
        batch.append(worker_service_pb2.MemoryEntry(key=key, value=value))
        size_bytes += len(value)
    if batch:
        yield batch
