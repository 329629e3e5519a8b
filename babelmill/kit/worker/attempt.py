"""What a handler gets for one attempt: inputs, outputs, progress, the token.

A handler knows nothing of leases, brokers or calls; all it may do to the
world is done through here, into the attempt's own scratch directory and
staging prefix.
"""

import errno
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import structlog

from babelmill.jobs.v1 import lease_pb2, progress_pb2, usage_pb2
from babelmill.kit.artifacts.store import (
    ArtifactStore,
    ObjectMissing,
    StoredDigest,
    StoreError,
    StoreFull,
)
from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.cancellation import CancellationToken
from babelmill.kit.worker.checkpoints import Checkpoints, checkpoint_prefix
from babelmill.kit.worker.outcome import INLINE_LIMIT_BYTES, Output, StepFailure
from babelmill.kit.worker.progress import Pace, ProgressTracker

_READ_BYTES = 1024 * 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_MAX_NAME_LENGTH = 80


class SegmentStore(Protocol):
    """Where a tenant's translations are kept; what fails there is nothing but forgotten."""

    def recall(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what is kept under keys of 32 bytes, at most 1,000 of them."""

    def remember(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep values of up to 64 KiB, at most 1,000 of them."""


class Attempt:
    """One attempt at a step, as its handler sees it."""

    def __init__(
        self,
        *,
        job_id: str,
        step_id: str,
        step_name: str,
        number: int,
        cancellation: CancellationToken,
        progress: ProgressTracker,
        store: ArtifactStore,
        staging_prefix: str,
        scratch: Path,
        log: structlog.stdlib.BoundLogger,
        segment_store: SegmentStore | None = None,
        inline_limit_bytes: int = INLINE_LIMIT_BYTES,
    ) -> None:
        self.job_id = job_id
        self.step_id = step_id
        self.step_name = step_name
        self.number = number
        self.cancellation = cancellation
        self.scratch = scratch
        self.log = log
        self.usage: usage_pb2.Usage | None = None
        self.used_checkpoints: list[Checkpoints] = []
        self._progress = progress
        self._segment_store = segment_store
        self._store = store
        self._staging_prefix = staging_prefix.rstrip("/")
        self._staged = 0
        self._inline_limit_bytes = inline_limit_bytes

    def report_progress(
        self,
        unit: progress_pb2.ProgressUnit.ValueType,
        done: float,
        total: float,
        stage: str,
        pace: Pace | None = None,
    ) -> None:
        """Tell how much is done. Cheap, thread-safe; never goes backwards."""
        failpoint("worker.working")
        self._progress.report(unit, done, total, stage, pace)

    def report_usage(self, usage: usage_pb2.Usage) -> None:
        """Tell what the attempt has cost so far; counts if it ends in any way but with a result.

        A handler calls it on its way out, whatever it leaves with.
        """
        self.usage = usage

    def checkpoints(self, basis: Mapping[str, object]) -> Checkpoints:
        """Open the step's checkpoints that rest on these facts, which must be JSON-ready.

        Name all that the kept parts depend on: input digest, versions, settings.
        """
        prefix = checkpoint_prefix(self.job_id, self.step_id)
        opened = Checkpoints(self._store, prefix, basis, self.log)
        self.used_checkpoints.append(opened)
        return opened

    def recall_segments(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what the tenant's memory holds under these keys, at most 1,000.

        Without a memory, or when it is away, that is nothing.
        """
        return {} if self._segment_store is None else self._segment_store.recall(keys)

    def remember_segments(self, entries: Mapping[bytes, bytes]) -> None:
        """Put values into the tenant's memory, at most 1,000; it may forget them at once."""
        if self._segment_store is not None:
            self._segment_store.remember(entries)

    def read_input(self, content: lease_pb2.StoredContent, limit_bytes: int) -> bytes:
        """Read a whole input and check its digest.

        Raises StepFailure: INPUT_MISSING, INPUT_DAMAGED, INPUT_TOO_LARGE,
        STORE_UNAVAILABLE.
        """
        if max(content.digest.size_bytes, len(content.inline)) > limit_bytes:
            raise StepFailure(FailureReason.INPUT_TOO_LARGE)
        if content.WhichOneof("place") == "inline":
            data = content.inline
        else:
            with _store_failures(), self._store.open(content.storage_key) as file:
                # One byte more than promised shows that the object has grown.
                data = file.read(content.digest.size_bytes + 1)
        if (
            len(data) != content.digest.size_bytes
            or hashlib.sha256(data).hexdigest() != content.digest.sha256
        ):
            raise StepFailure(FailureReason.INPUT_DAMAGED)
        return data

    def input_path(
        self, content: lease_pb2.StoredContent, *, again: bool = False
    ) -> AbstractContextManager[Path]:
        """Give a file with an input, for reading only, after checking its digest.

        `again` says that an earlier step of the job has checked it, and that
        this one reads but a part of it: then only its size is looked at.
        Raises StepFailure as read_input, StepStopped while checking.
        """
        return self._input_path(content, again=again)

    def output_bytes(self, filename: str, media_type: str, data: bytes) -> Output:
        """Make an output of bytes: small ones travel inline, others are staged.

        Raises StepFailure: NO_SPACE, STORE_UNAVAILABLE.
        """
        if len(data) <= self._inline_limit_bytes:
            sha256 = hashlib.sha256(data).hexdigest()
            return Output(filename, media_type, data, None, sha256, len(data))
        key = self._next_key(filename)
        with _store_failures():
            digest = self._store.write(key, [data])
        return Output(filename, media_type, None, key, digest.sha256, digest.size_bytes)

    def output_file(self, filename: str, media_type: str, path: Path) -> Output:
        """Make an output of a finished file, which is moved out of the scratch directory.

        Raises StepFailure: NO_SPACE, STORE_UNAVAILABLE.
        """
        key = self._next_key(filename)
        with _store_failures():
            digest = self._store.place(key, path)
        return Output(filename, media_type, None, key, digest.sha256, digest.size_bytes)

    @contextmanager
    def _input_path(self, content: lease_pb2.StoredContent, *, again: bool) -> Iterator[Path]:
        if content.WhichOneof("place") == "inline":
            path = self.scratch / f"input-{content.digest.sha256[:16]}"
            data = self.read_input(content, len(content.inline))
            with _space_failures():
                path.write_bytes(data)
            yield path
            return
        with _store_failures():
            held = self._store.local_path(content.storage_key)
            path = held.__enter__()
        try:
            if again:
                fits = path.stat().st_size == content.digest.size_bytes
            else:
                digest = _digest(path, self.cancellation.raise_if_requested)
                fits = digest == StoredDigest(content.digest.sha256, content.digest.size_bytes)
            if not fits:
                raise StepFailure(FailureReason.INPUT_DAMAGED)
            yield path
        finally:
            held.__exit__(None, None, None)

    def _next_key(self, filename: str) -> str:
        # The number keeps outputs of one name apart; the name is for people
        # who look into the store.
        self._staged += 1
        name = _UNSAFE.sub("_", filename)[-_MAX_NAME_LENGTH:].lstrip(".") or "output"
        return f"{self._staging_prefix}/{self._staged}-{name}"


def _digest(path: Path, check: Callable[[], None]) -> StoredDigest:
    sha256, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            check()
            sha256.update(chunk)
            size_bytes += len(chunk)
    return StoredDigest(sha256.hexdigest(), size_bytes)


@contextmanager
def _store_failures() -> Iterator[None]:
    try:
        yield
    except ObjectMissing as error:
        raise StepFailure(FailureReason.INPUT_MISSING) from error
    except StoreFull as error:
        raise StepFailure(FailureReason.NO_SPACE) from error
    except StoreError as error:
        raise StepFailure(FailureReason.STORE_UNAVAILABLE) from error


@contextmanager
def _space_failures() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StepFailure(FailureReason.NO_SPACE) from error
        raise
