"""What a child writes down for its parent."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.kit.worker.watch_record import (
    IDLE,
    WatchRecord,
    WatchWriter,
    read_records,
    remove_record,
)

HELD = WatchRecord(
    job_id="j" * 36,
    step_id="s" * 36,
    generation=2**62,
    lease_id="l" * 36,
    ttl_seconds=30.0,
    kill_at=12345.678,
    stop_reason="cancelled",
    pulse=10**9,
)


def test_parent_reads_what_the_child_has_written_last(tmp_path: Path) -> None:
    writer = WatchWriter(tmp_path)
    assert list(read_records(tmp_path)) == [(os.getpid(), IDLE)]
    writer.write(HELD)
    assert dict(read_records(tmp_path)) == {os.getpid(): HELD}
    assert HELD.holds_lease
    writer.write(IDLE)
    assert dict(read_records(tmp_path)) == {os.getpid(): IDLE}
    remove_record(tmp_path, os.getpid())
    assert not list(read_records(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\0" * 1024, b"00000000 {}", b"x", b"{}"])
def test_reading_is_none_when_the_file_holds_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "child-17").write_bytes(content)
    (tmp_path / "child-x").write_bytes(content)
    assert list(read_records(tmp_path)) == [(17, None)]


@given(cut=st.integers(1, 300))
def test_reading_is_none_when_it_is_torn_between_two_records(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    directory = tmp_path_factory.mktemp("watch")
    writer = WatchWriter(directory)
    path = directory / f"child-{os.getpid()}"
    idle = path.read_bytes()
    writer.write(HELD)
    held = path.read_bytes()
    torn = held[:cut] + idle[cut:]
    path.write_bytes(torn)
    (_, read) = next(read_records(directory))
    assert read is (None if torn not in (held, idle) else read)
