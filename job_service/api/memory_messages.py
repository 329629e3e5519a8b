"""Entries of the segment memory between messages and what the use case takes."""

from collections.abc import Mapping, Sequence

from babelmill.jobs.v1 import worker_service_pb2


def memory_entries(found: Mapping[bytes, bytes]) -> list[worker_service_pb2.MemoryEntry]:
    """Write what is known."""
    return [worker_service_pb2.MemoryEntry(key=key, value=value) for key, value in found.items()]


def read_memory_entries(
    given: Sequence[worker_service_pb2.MemoryEntry],
) -> dict[bytes, bytes]:
    """Read what is to be kept; of a key that is there twice the last value counts."""
    return {entry.key: entry.value for entry in given}
