"""One attempt's use of ffmpeg: its inputs under names of our own, its runs, what they cost.

Every handler of media opens a session and works in it. The session turns a
stop, a broken ffmpeg and the deadline into what the worker's shell expects,
and reports the cost of an attempt that failed, too. What is made, and whether
it is good, is the affair of the handlers.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from babelmill.jobs.v1 import lease_pb2, progress_pb2, usage_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Pace, Result, StepFailure
from media_worker.ffmpeg.command import INPUT_NAME, SourceAccess
from media_worker.ffmpeg.failures import failure_of_run
from media_worker.ffmpeg.isolation import Isolation
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.media_info import MediaInfo
from media_worker.ffmpeg.probe import RunContext, Stopped, probe
from media_worker.ffmpeg.progress import MediaProgress, ProgressParser
from media_worker.ffmpeg.runner import FfmpegRunner, ProcessLimits, RunnerBroken, RunResult

MEDIA_SECONDS = progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What one attempt may take."""

    max_duration_seconds: float
    max_pixels: int
    max_streams: int
    max_processing_seconds: float
    max_output_bytes: int
    max_memory_bytes: int
    """Address space, which is several times the memory that is used."""
    threads: int
    isolation: Isolation = field(default_factory=Isolation)


class FfmpegSession:
    """One attempt at work. Made by `FfmpegSessions.open`."""

    def __init__(self, attempt: Attempt, context: RunContext, limits: MediaLimits) -> None:
        self.attempt = attempt
        self.context = context
        self.limits = limits
        self._started_seconds = time.monotonic()
        self._input_bytes = 0

    @property
    def directory(self) -> Path:
        """The attempt's own directory, where ffmpeg runs."""
        return self.attempt.scratch

    @contextmanager
    def input(
        self, content: lease_pb2.StoredContent, name: str = INPUT_NAME, *, again: bool = False
    ) -> Iterator[SourceAccess]:
        """Give an input the name that ffmpeg is told, for as long as the context lasts.

        A link in the store would lead elsewhere: only a plain file is taken.
        What an earlier step has read and checked is read `again`: its bytes
        count once for the whole job.
        Raises StepFailure: INPUT_MISSING, INPUT_DAMAGED.
        """
        with self.attempt.input_path(content, again=again) as path:
            if path.is_symlink() or not path.is_file():
                raise StepFailure(FailureReason.INPUT_MISSING)
            link = self.directory / name
            link.symlink_to(path.resolve())
            self._input_bytes += 0 if again else content.digest.size_bytes
            try:
                yield self.access(name)
            finally:
                link.unlink(missing_ok=True)

    def access(
        self, name: str = INPUT_NAME, *, formats: tuple[str, ...] | None = None
    ) -> SourceAccess:
        """Say how a file in the session's directory may be opened."""
        standard = SourceAccess()
        return SourceAccess(
            name=name,
            formats=standard.formats if formats is None else formats,
            max_pixels=self.limits.max_pixels,
            max_streams=self.limits.max_streams,
            threads=self.limits.threads,
        )

    def probe(self, source: SourceAccess) -> MediaInfo:
        """Inspect and scan an input. Raises as `probe.probe`."""
        self.attempt.report_progress(MEDIA_SECONDS, 0.0, 0.0, "probe")
        with tracer(__name__).start_as_current_span("ffmpeg.probe"):
            return probe(self.context, source)

    def run(
        self,
        arguments: Sequence[str],
        *,
        on_stdout: Callable[[bytes], None] | None = None,
        progress: MediaProgress | None = None,
        stage: str = "transcode",
    ) -> RunResult:
        """Run ffmpeg to a good end, telling of `progress` if it is given.

        Raises StepFailure for a run that has not succeeded, and Stopped.
        """
        parser = ProgressParser()

        def take(chunk: bytes) -> None:
            if progress is None:
                return
            for block in parser.feed(chunk):
                done = progress.take(block)
                pace = Pace(
                    frames_per_second=block.frames_per_second if progress.counts_frames else None,
                    speed=block.speed,
                )
                self.report(progress, stage, done, pace)

        result = self.context.run(arguments, on_stdout=on_stdout, on_progress=take)
        if not result.succeeded:
            raise failure_of_run(result)
        return result

    def report(
        self,
        progress: MediaProgress,
        stage: str,
        done: float | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Tell how far the work is, and how fast it goes on."""
        done = progress.done_seconds if done is None else done
        self.attempt.report_progress(MEDIA_SECONDS, done, progress.total_seconds, stage, pace)

    def result(self, outputs: Sequence[Output]) -> Result:
        """Hand over what was made, with what it has cost."""
        return Result(
            outputs=tuple(outputs), usage=self.usage(sum(each.size_bytes for each in outputs))
        )

    def usage(self, output_bytes: int = 0) -> usage_pb2.Usage:
        """Say what the session has cost so far."""
        meter = self.context.meter
        return usage_pb2.Usage(
            peak_cpu_percent=meter.peak_cpu_percent,
            peak_rss_bytes=meter.peak_rss_bytes,
            cpu_seconds=meter.cpu_seconds,
            processing_seconds=time.monotonic() - self._started_seconds,
            input_bytes=self._input_bytes,
            output_bytes=output_bytes,
        )


class FfmpegSessions:
    """Opens sessions: one of these for a worker process's whole life."""

    def __init__(self, ffmpeg: Path, limits: MediaLimits) -> None:
        self._limits = limits
        self._runner = FfmpegRunner(
            ffmpeg,
            ProcessLimits(
                address_space_bytes=limits.max_memory_bytes,
                file_size_bytes=limits.max_output_bytes,
                # All threads together; the wall clock is limited by a deadline.
                cpu_seconds=int(limits.max_processing_seconds * (os.cpu_count() or 1)) + 1,
            ),
            limits.isolation,
        )

    @contextmanager
    def open(self, attempt: Attempt) -> Iterator[FfmpegSession]:
        """Work within one attempt; at the end no ffmpeg of it runs any more.

        Raises StepFailure (ENGINE_UNAVAILABLE for a broken ffmpeg), and
        StepStopped where the attempt was told to stop.
        """
        context = RunContext(
            runner=self._runner,
            directory=attempt.scratch,
            stop=attempt.cancellation,
            deadline_seconds=time.monotonic() + self._limits.max_processing_seconds,
            meter=UsageMeter(),
        )
        session = FfmpegSession(attempt, context, self._limits)
        try:
            yield session
        except Stopped:
            attempt.cancellation.raise_if_requested()
            raise
        except RunnerBroken as error:
            attempt.log.exception("ffmpeg_broken")
            raise StepFailure(
                FailureReason.ENGINE_UNAVAILABLE, "The worker could not run its encoder."
            ) from error
        finally:
            # What a failed attempt has cost counts, too.
            if context.meter.peak_rss_bytes:
                attempt.report_usage(session.usage())
