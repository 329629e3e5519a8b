"""What a handler gets: inputs, outputs, progress, the cancellation token."""

import hashlib
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.jobs.v1 import artifact_pb2, lease_pb2, progress_pb2
from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.artifacts.store import StoredDigest
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.attempt import Attempt
from babelmill.kit.worker.cancellation import CancellationToken, StepStopped, StopReason
from babelmill.kit.worker.outcome import INLINE_LIMIT_BYTES, StepFailure
from babelmill.kit.worker.progress import ProgressTracker

CHARACTERS = progress_pb2.PROGRESS_UNIT_CHARACTERS
PAGES = progress_pb2.PROGRESS_UNIT_PAGES


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def attempt(store: LocalStore, tmp_path: Path) -> Attempt:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Attempt(
        job_id="j",
        step_id="step",
        step_name="s",
        number=1,
        cancellation=CancellationToken(),
        progress=ProgressTracker(on_first=lambda: None),
        store=store,
        staging_prefix="staging/lease/",
        scratch=scratch,
        log=get_logger("test"),
    )


def _content(data: bytes, *, key: str = "") -> lease_pb2.StoredContent:
    digest = artifact_pb2.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    if key:
        return lease_pb2.StoredContent(storage_key=key, digest=digest)
    return lease_pb2.StoredContent(inline=data, digest=digest)


def _reason(caught: pytest.ExceptionInfo[StepFailure]) -> FailureReason:
    return caught.value.reason


def test_input_is_read_when_inline_or_stored(attempt: Attempt, store: LocalStore) -> None:
    store.write("in/a", [b"stored"])
    assert attempt.read_input(_content(b"inline"), 100) == b"inline"
    assert attempt.read_input(_content(b"stored", key="in/a"), 100) == b"stored"
    for content, data in (
        (_content(b"inline"), b"inline"),
        (_content(b"stored", key="in/a"), b"stored"),
    ):
        with attempt.input_path(content) as path:
            assert path.read_bytes() == data


@pytest.mark.parametrize("stored", [b"other!", b"short", b"stored and more"])
def test_input_is_damaged_when_its_bytes_are_not_the_digests(
    attempt: Attempt, store: LocalStore, stored: bytes
) -> None:
    store.write("in/a", [stored])
    content = _content(b"stored", key="in/a")
    with pytest.raises(StepFailure) as caught:
        attempt.read_input(content, 100)
    assert _reason(caught) is FailureReason.INPUT_DAMAGED
    with pytest.raises(StepFailure) as caught, attempt.input_path(content):
        pass
    assert _reason(caught) is FailureReason.INPUT_DAMAGED


def test_input_is_refused_when_missing_too_large_or_of_a_wrong_key(
    attempt: Attempt, store: LocalStore
) -> None:
    store.write("in/a", [b"stored"])
    for content, reason in (
        (_content(b"x", key="none"), FailureReason.INPUT_MISSING),
        (_content(b"x", key="../x"), FailureReason.STORE_UNAVAILABLE),
        (_content(b"stored", key="in/a"), FailureReason.INPUT_TOO_LARGE),
        (_content(b"inline"), FailureReason.INPUT_TOO_LARGE),
    ):
        with pytest.raises(StepFailure) as caught:
            attempt.read_input(content, 5)
        assert _reason(caught) is reason


def test_check_of_an_input_ends_when_the_attempt_must_stop(
    attempt: Attempt, store: LocalStore
) -> None:
    store.write("in/a", [b"stored"])
    attempt.cancellation.request(StopReason.CANCELLED)
    with pytest.raises(StepStopped), attempt.input_path(_content(b"stored", key="in/a")):
        pass


def test_output_travels_inline_when_small_and_is_staged_when_large(
    attempt: Attempt, store: LocalStore
) -> None:
    small = attempt.output_bytes("a.txt", "text/plain", b"x" * INLINE_LIMIT_BYTES)
    large = attempt.output_bytes("a.txt", "text/plain", b"x" * (INLINE_LIMIT_BYTES + 1))
    made = attempt.scratch / "made"
    made.write_bytes(b"file")
    placed = attempt.output_file("a.txt", "text/plain", made)
    assert (small.storage_key, len(small.inline or b"")) == (None, INLINE_LIMIT_BYTES)
    assert large.inline is None
    assert large.storage_key is not None
    assert placed.storage_key is not None
    assert large.storage_key != placed.storage_key
    assert store.digest(large.storage_key).sha256 == large.sha256
    assert store.size(placed.storage_key) == placed.size_bytes == 4


@given(st.text(max_size=300))
def test_key_stays_below_the_prefix_when_the_name_is_odd(name: str) -> None:
    keys: list[str] = []

    class _Store(LocalStore):
        def write(self, key: str, chunks: Iterable[bytes], *, durable: bool = True) -> StoredDigest:
            keys.append(key)
            return super().write(key, chunks, durable=durable)

    with tempfile.TemporaryDirectory() as directory:
        made = Attempt(
            job_id="j",
            step_id="step",
            step_name="s",
            number=1,
            cancellation=CancellationToken(),
            progress=ProgressTracker(on_first=lambda: None),
            store=_Store(Path(directory)),
            staging_prefix="staging/lease",
            scratch=Path(directory),
            log=get_logger("test"),
        )
        made.output_bytes(name, "text/plain", b"x" * (INLINE_LIMIT_BYTES + 1))
    assert keys[0].startswith("staging/lease/1-")
    assert keys[0].count("/") == 2


def test_progress_never_goes_back_when_reports_do() -> None:
    firsts: list[int] = []
    tracker = ProgressTracker(on_first=lambda: firsts.append(1))
    assert tracker.take_changed() is None
    for done in (3.0, 1.0, float("nan"), float("inf"), -5.0):
        tracker.report(CHARACTERS, done, 10, "a")
    taken = tracker.take_changed()
    assert taken is not None
    assert (taken.done, taken.total, taken.stage) == (3, 10, "a")
    assert tracker.take_changed() is None
    tracker.report(CHARACTERS, 3, 10, "a")
    assert tracker.take_changed() is None
    tracker.put_back()
    assert tracker.take_changed() == taken
    tracker.report(CHARACTERS, 99, 10, "a")
    assert tracker.take_changed().done == 10  # type: ignore[union-attr]  # it has changed
    tracker.report(PAGES, 1, 4, "b")
    assert tracker.take_changed().done == 1  # type: ignore[union-attr]  # another unit begins anew
    assert firsts == [1]


def test_first_request_counts_when_a_token_is_asked_twice() -> None:
    token = CancellationToken()
    seen: list[StopReason] = []
    token.raise_if_requested()
    token.on_request(seen.append)
    assert not token.requested
    assert not token.wait(0)
    threads = [
        threading.Thread(target=token.request, args=(reason,))
        for reason in (StopReason.TIMEOUT, StopReason.TIMEOUT)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not token.request(StopReason.CANCELLED)
    token.on_request(seen.append)
    assert token.reason == "timeout"
    assert seen == [StopReason.TIMEOUT, StopReason.TIMEOUT]
    with pytest.raises(StepStopped) as caught:
        token.raise_if_requested()
    assert caught.value.reason is StopReason.TIMEOUT
