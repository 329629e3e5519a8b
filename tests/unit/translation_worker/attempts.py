"""Attempts for tests: the kit's own, with a store in a temporary directory."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from babelmill.jobs.v1 import artifact_pb2, lease_pb2, progress_pb2
from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.process.logs import get_logger
from babelmill.kit.worker.attempt import Attempt, SegmentStore
from babelmill.kit.worker.cancellation import CancellationToken
from babelmill.kit.worker.handler import Output
from babelmill.kit.worker.progress import Pace, ProgressTracker


class _RecordingTracker(ProgressTracker):
    def __init__(self, done: list[tuple[float, float, str]]) -> None:
        super().__init__(on_first=lambda: None)
        self._seen = done

    def report(
        self,
        unit: progress_pb2.ProgressUnit.ValueType,
        done: float,
        total: float,
        stage: str,
        pace: Pace | None = None,
    ) -> None:
        assert unit in {progress_pb2.PROGRESS_UNIT_CHARACTERS, progress_pb2.PROGRESS_UNIT_STEPS}
        self._seen.append((done, total, stage))
        super().report(unit, done, total, stage, pace)


@dataclass
class Bench:
    """One attempt, and what can be seen of it from outside."""

    root: Path
    token: CancellationToken = field(default_factory=CancellationToken)
    progress: list[tuple[float, float, str]] = field(default_factory=list)
    segment_store: SegmentStore | None = None

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.store = LocalStore(self.root / "store")
        scratch = self.root / "scratch"
        scratch.mkdir()
        self.attempt = Attempt(
            job_id="job",
            step_id="step",
            step_name="translate[pt]",
            number=1,
            cancellation=self.token,
            progress=_RecordingTracker(self.progress),
            store=self.store,
            staging_prefix="staging/lease",
            scratch=scratch,
            log=get_logger("test"),
            segment_store=self.segment_store,
        )

    def read(self, output: Output) -> bytes:
        """Return an output's bytes, wherever they are."""
        if output.inline is not None:
            return output.inline
        assert output.storage_key is not None
        with self.store.open(output.storage_key) as file:
            return file.read()


def text_work(
    data: bytes, *, target: str = "pt", source: str = "en", engine: str = "", filename: str = ""
) -> lease_pb2.Work:
    """Return work with an inline source."""
    digest = artifact_pb2.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    return lease_pb2.Work(
        translate_text=lease_pb2.TranslateTextWork(
            source=lease_pb2.StoredContent(inline=data, digest=digest, filename=filename),
            source_language=source,
            target_language=target,
            engine=engine,
        )
    )
