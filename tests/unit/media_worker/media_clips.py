"""Small media files made with ffmpeg's own sources, and a way to run a transcode on them."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict, Unpack

import structlog
from imageio_ffmpeg import get_ffmpeg_exe

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.worker.handler import Attempt, CancellationToken, Pace, Result
from babelmill.media.v1 import media_pb2
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.isolation_trial import find_isolation
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.media_info import MediaInfo, StreamKind
from media_worker.ffmpeg.probe import RunContext, check, inspect
from media_worker.ffmpeg.runner import FfmpegRunner, ProcessLimits
from media_worker.ffmpeg.session import MediaLimits
from media_worker.pipeline.transcode import TranscodeHandler

FFMPEG = Path(get_ffmpeg_exe())
GIB = 1024**3


def make_clip(path: Path, *arguments: str) -> Path:
    """Run ffmpeg with `arguments` and `path` as the output."""
    subprocess.run(
        [FFMPEG, "-nostdin", "-y", "-v", "error", *arguments, str(path)], check=True, timeout=60
    )
    return path


def picture(seconds: float, size: str = "320x240", rate: str = "25") -> list[str]:
    return ["-f", "lavfi", "-t", str(seconds), "-i", f"testsrc2=size={size}:rate={rate}"]


def sound(seconds: float) -> list[str]:
    return ["-f", "lavfi", "-t", str(seconds), "-i", "sine=b=4"]


def probe_clip(path: Path) -> MediaInfo:
    """Read a file as the product reads its outputs: every packet, decoded."""
    context = RunContext(
        runner=FfmpegRunner(FFMPEG, ProcessLimits(8 * GIB, GIB, 60)),
        directory=path.parent,
        stop=CancellationToken(),
        deadline_seconds=time.monotonic() + 60,
        meter=UsageMeter(),
    )
    source = SourceAccess(name=path.name)
    has_video = any(s.kind is StreamKind.VIDEO for s in inspect(context, source).streams)
    return check(context, source, has_video=has_video)


QUICK_VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


LIMITS = MediaLimits(
    max_duration_seconds=3600.0,
    max_pixels=7680 * 4320,
    max_streams=64,
    max_processing_seconds=120.0,
    max_output_bytes=GIB,
    max_memory_bytes=8 * GIB,
    threads=1,
)


class ChangedLimits(TypedDict, total=False):
    """The limits that a test sets itself."""

    max_duration_seconds: float
    max_pixels: int
    max_streams: int
    max_processing_seconds: float
    max_output_bytes: int


@dataclass
class RecordedProgress:
    """Stands where the shell's tracker stands, and keeps every report."""

    reports: list[tuple[int, float, float, str]] = field(default_factory=list)
    paces: list[Pace] = field(default_factory=list)

    def report(
        self, unit: int, done: float, total: float, stage: str, pace: Pace | None = None
    ) -> None:
        self.reports.append((unit, done, total, stage))
        self.paces += [] if pace is None else [pace]


@dataclass
class Bench:
    """One attempt at a transcode, with a real store and a real scratch directory."""

    root: Path
    program: Path = FFMPEG
    progress: RecordedProgress = field(default_factory=RecordedProgress)
    cancellation: CancellationToken = field(default_factory=CancellationToken)

    def __post_init__(self) -> None:
        self.store = LocalStore(self.root / "store")
        self.scratch = self.root / "scratch"
        self.scratch.mkdir(parents=True)

    def transcode(
        self,
        path: Path,
        preset: str,
        *,
        filename: str | None = None,
        options: media_pb2.TranscodeOptions | None = None,
        **changed: Unpack[ChangedLimits],
    ) -> Result:
        digest = self.store.place("input/1", _copy(path, self.root / "upload"))
        work = lease_pb2.Work()
        work.transcode.preset = preset
        if options is not None:
            work.transcode.options.CopyFrom(options)
        source = work.transcode.source
        source.storage_key = "input/1"
        source.digest.sha256, source.digest.size_bytes = digest.sha256, digest.size_bytes
        source.filename = path.name if filename is None else filename
        attempt = Attempt(
            job_id="job",
            step_id="step",
            step_name="transcode",
            number=1,
            cancellation=self.cancellation,
            progress=self.progress,  # type: ignore[arg-type]  # has the one method that is used
            store=self.store,
            staging_prefix="staged",
            scratch=self.scratch,
            log=structlog.stdlib.get_logger("test"),
        )
        limits = replace(LIMITS, isolation=find_isolation(FFMPEG), **changed)
        return TranscodeHandler(self.program, limits).run(work, attempt)

    @contextmanager
    def output(self, result: Result) -> Iterator[Path]:
        key = result.outputs[0].storage_key
        assert key is not None
        with self.store.local_path(key) as path:
            yield path


def _copy(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target
