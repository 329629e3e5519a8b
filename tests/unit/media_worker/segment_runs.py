"""A video in segments through the real handlers, store and ffmpeg, without a service between."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import structlog

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.worker.handler import Attempt, CancellationToken, Output, Result
from babelmill.media.v1 import media_pb2
from media_worker.ffmpeg.isolation_trial import find_isolation
from media_worker.ffmpeg.session import FfmpegSessions
from media_worker.segments.registry import segment_handlers
from tests.unit.media_worker.media_clips import FFMPEG, LIMITS, RecordedProgress

_INLINE_PART_BYTES = 1024


@dataclass
class SegmentRun:
    """One video's way through its steps; each has an attempt and a directory of its own."""

    root: Path
    source: Path
    preset: str
    options: media_pb2.TranscodeOptions = field(default_factory=media_pb2.TranscodeOptions)
    length_seconds: float = 1.0
    from_seconds: float = 0.0
    threads: int = 1
    max_segments: int = 50

    def __post_init__(self) -> None:
        self.store = LocalStore(self.root / "store")
        self.progress = RecordedProgress()
        copy = self.root / "upload"
        copy.write_bytes(self.source.read_bytes())
        digest = self.store.place("input/1", copy)
        self.input = lease_pb2.StoredContent(storage_key="input/1", filename=self.source.name)
        self.input.digest.sha256 = digest.sha256
        self.input.digest.size_bytes = digest.size_bytes
        self._attempts = 0

    def split(self) -> Result:
        """Find the cuts, and keep them for the later steps."""
        work = lease_pb2.Work()
        wanted = work.split_media
        wanted.source.CopyFrom(self.input)
        wanted.preset = self.preset
        wanted.options.CopyFrom(self.options)
        wanted.length_seconds, wanted.from_seconds = self.length_seconds, self.from_seconds
        wanted.max_segments = self.max_segments
        result = self._run(work)
        parts: Mapping[str, lease_pb2.StoredContent] = {
            output.filename: stored(output) for output in result.outputs
        }
        assert result.split is not None
        self.count = len(result.split.segments)
        if self.count > 1:
            self.plan = parts[result.split.plan_filename]
            self.readable = parts.get(result.split.source_filename, self.input)
        return result

    def encode(self, number: int) -> Output:
        """Encode one segment."""
        work = lease_pb2.Work()
        wanted = work.encode_segment
        wanted.source.CopyFrom(self.readable)
        wanted.plan.CopyFrom(self.plan)
        wanted.preset, wanted.number = self.preset, number
        wanted.options.CopyFrom(self.options)
        (output,) = self._run(work).outputs
        return output

    def join(self, segments: list[Output]) -> Result:
        """Join them."""
        work = lease_pb2.Work()
        wanted = work.join_segments
        wanted.source.CopyFrom(self.readable)
        wanted.plan.CopyFrom(self.plan)
        wanted.preset, wanted.input_filename = self.preset, self.source.name
        wanted.options.CopyFrom(self.options)
        wanted.segments.extend(stored(segment) for segment in segments)
        return self._run(work)

    def whole(self) -> Result:
        """Go all the way; there must be segments."""
        self.split()
        assert self.count > 1
        return self.join([self.encode(number) for number in range(1, self.count + 1)])

    @contextmanager
    def file(self, output: Output) -> Iterator[Path]:
        """Open an output that was staged."""
        assert output.storage_key is not None
        with self.store.local_path(output.storage_key) as path:
            yield path

    def _run(self, work: lease_pb2.Work) -> Result:
        self._attempts += 1
        scratch = self.root / f"scratch-{self._attempts}"
        scratch.mkdir()
        attempt = Attempt(
            job_id="job",
            step_id="step",
            step_name="step",
            number=1,
            cancellation=CancellationToken(),
            progress=self.progress,  # type: ignore[arg-type]  # has the one method that is used
            store=self.store,
            staging_prefix=f"staged/{self._attempts}",
            scratch=scratch,
            log=structlog.stdlib.get_logger("test"),
            inline_limit_bytes=_INLINE_PART_BYTES,
        )
        limits = replace(LIMITS, isolation=find_isolation(FFMPEG), threads=self.threads)
        handlers = segment_handlers(FfmpegSessions(FFMPEG, limits))
        result = handlers[str(work.WhichOneof("kind"))].run(work, attempt)
        assert [path.name for path in scratch.iterdir()] == []
        return result


def stored(output: Output) -> lease_pb2.StoredContent:
    """Write an output as the service would name it to a later step."""
    content = lease_pb2.StoredContent(filename=output.filename, media_type=output.media_type)
    content.digest.sha256, content.digest.size_bytes = output.sha256, output.size_bytes
    if output.inline is not None:
        content.inline = output.inline
    elif output.storage_key is not None:
        content.storage_key = output.storage_key
    return content


def frames(path: Path) -> list[tuple[Fraction, bytes]]:
    """Decode a file's pictures: when each is shown, and the MD5 of what is seen."""
    listed = subprocess.run(
        [
            FFMPEG,
            *("-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough"),
            *("-enc_time_base", "demux", "-f", "framemd5", "-"),
        ],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    base = next(Fraction(line.split()[-1].decode()) for line in listed if line.startswith(b"#tb"))
    rows = [line.split(b",") for line in listed if not line.startswith(b"#")]
    return [(int(row[2]) * base, row[5].strip()) for row in rows]
