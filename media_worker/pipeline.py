"""One transcode from input to verified output: probe, encode, verify, hand over.

Everything happens in the attempt's scratch directory under names of our own.
When `run` returns or raises, ffmpeg is gone and nothing is left of a partial
output.
"""

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from babelmill.jobs.v1 import lease_pb2, progress_pb2, usage_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Result, StepFailure
from media_worker.ffmpeg.command import INPUT_NAME, Encode, SourceAccess, encode_arguments
from media_worker.ffmpeg.failures import failure_of_run, refused
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.probe import RunContext, Stopped, probe
from media_worker.ffmpeg.progress import MediaProgress, ProgressParser
from media_worker.ffmpeg.runner import FfmpegRunner, ProcessLimits, RunnerBroken
from media_worker.presets import PRESETS, Preset, output_filename
from media_worker.verification import verify_output

_UNIT = progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS
_OUTPUT_STEM = "output"
# Containers that frame every packet: in them any damage is a fault. The others
# are made for lossy channels, or carry tags and scraps that no decoder takes.
_STRICT_FORMATS = frozenset({"mov", "matroska"})
_DURATION_SLACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TranscodeLimits:
    """What one transcode may take."""

    max_duration_seconds: float
    max_pixels: int
    max_streams: int
    max_processing_seconds: float
    max_output_bytes: int
    max_memory_bytes: int
    """Address space, which is several times the memory that is used."""
    threads: int


@dataclass(frozen=True, slots=True)
class _Selection:
    """The streams that a preset takes from an input."""

    video: StreamInfo | None
    audio: StreamInfo | None

    @property
    def indexes(self) -> tuple[int, ...]:
        return tuple(s.index for s in (self.video, self.audio) if s is not None)


class TranscodeHandler:
    """Makes one rendition of a media file, by a preset."""

    def __init__(self, ffmpeg: Path, limits: TranscodeLimits) -> None:
        self._limits = limits
        self._runner = FfmpegRunner(
            ffmpeg,
            ProcessLimits(
                address_space_bytes=limits.max_memory_bytes,
                file_size_bytes=limits.max_output_bytes,
                # All threads together; the wall clock is limited by a deadline.
                cpu_seconds=int(limits.max_processing_seconds * (os.cpu_count() or 1)) + 1,
            ),
        )

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        started = time.monotonic()
        preset = PRESETS.get(work.transcode.preset)
        if preset is None:
            raise StepFailure(
                FailureReason.UNSUPPORTED_PRESET, metadata={"presets": ", ".join(PRESETS)}
            )
        source = work.transcode.source
        context = RunContext(
            runner=self._runner,
            directory=attempt.scratch,
            stop=attempt.cancellation,
            deadline_seconds=started + self._limits.max_processing_seconds,
            meter=UsageMeter(),
        )
        try:
            with attempt.input_path(source) as path, ExitStack() as files:
                _link_input(path, attempt.scratch, files)
                output = self._transcode(context, preset, source.filename, attempt)
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
                attempt.report_usage(_usage(context.meter, started, source.digest.size_bytes, 0))
        usage = _usage(context.meter, started, source.digest.size_bytes, output.size_bytes)
        return Result(outputs=(output,), usage=usage)

    def _transcode(
        self, context: RunContext, preset: Preset, input_filename: str, attempt: Attempt
    ) -> Output:
        attempt.report_progress(_UNIT, 0.0, 0.0, "probe")
        with tracer(__name__).start_as_current_span("ffmpeg.probe"):
            info = probe(context, self._access())
        selection = _select(info, preset)
        progress = self._plan_progress(info, selection)
        attempt.report_progress(_UNIT, 0.0, progress.total_seconds, "transcode")
        path = attempt.scratch / f"{_OUTPUT_STEM}.{preset.file_extension}"
        try:
            with tracer(__name__).start_as_current_span(
                "ffmpeg.transcode", attributes={"babelmill.preset": preset.name}
            ):
                self._encode(context, preset, info, selection, path.name, progress, attempt)
            attempt.report_progress(_UNIT, progress.done_seconds, progress.total_seconds, "verify")
            with tracer(__name__).start_as_current_span("ffmpeg.verify"):
                verify_output(
                    context,
                    self._access(name=path.name, formats=(preset.demuxer,)),
                    preset,
                    source_video=selection.video,
                    source_audio=selection.audio,
                    frames_encoded=progress.frames_encoded,
                )
            output = attempt.output_file(
                output_filename(input_filename, preset), preset.media_type, path
            )
        finally:
            path.unlink(missing_ok=True)
        attempt.report_progress(_UNIT, progress.finish(), progress.total_seconds, "verify")
        return output

    def _encode(
        self,
        context: RunContext,
        preset: Preset,
        info: MediaInfo,
        selection: _Selection,
        output_name: str,
        progress: MediaProgress,
        attempt: Attempt,
    ) -> None:
        parser = ProgressParser()

        def take(chunk: bytes) -> None:
            for block in parser.feed(chunk):
                done = progress.take(block)
                attempt.report_progress(_UNIT, done, progress.total_seconds, "transcode")

        encode = Encode(
            stream_indexes=selection.indexes,
            codec_arguments=preset.codec_arguments(
                video=selection.video is not None, audio=selection.audio is not None
            ),
            muxer=preset.muxer,
            output_name=output_name,
            threads=self._limits.threads,
            max_seconds=info.duration_seconds + _DURATION_SLACK_SECONDS,
            strict=not _STRICT_FORMATS.isdisjoint(info.format_names),
        )
        result = context.run(encode_arguments(self._access(), encode), on_progress=take)
        if not result.succeeded:
            raise failure_of_run(result)

    def _plan_progress(self, info: MediaInfo, selection: _Selection) -> MediaProgress:
        total = max(
            (s.span.end_seconds for s in (selection.video, selection.audio) if s and s.span),
            default=0.0,
        )
        if max(total, info.duration_seconds) > self._limits.max_duration_seconds:
            raise refused("DURATION_LIMIT", "The file plays for longer than is processed.")
        return MediaProgress(total, _frame_count(selection.video))

    def _access(
        self, *, name: str = INPUT_NAME, formats: tuple[str, ...] | None = None
    ) -> SourceAccess:
        standard = SourceAccess()
        return SourceAccess(
            name=name,
            formats=standard.formats if formats is None else formats,
            max_pixels=self._limits.max_pixels,
            max_streams=self._limits.max_streams,
            threads=self._limits.threads,
        )


def _usage(
    meter: UsageMeter, started_seconds: float, input_bytes: int, output_bytes: int
) -> usage_pb2.Usage:
    return usage_pb2.Usage(
        peak_cpu_percent=meter.peak_cpu_percent,
        peak_rss_bytes=meter.peak_rss_bytes,
        cpu_seconds=meter.cpu_seconds,
        processing_seconds=time.monotonic() - started_seconds,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
    )


def _link_input(path: Path, directory: Path, files: ExitStack) -> None:
    """Give the input the one name that ffmpeg is told.

    A link in the store would lead elsewhere: only a plain file is taken.
    """
    if path.is_symlink() or not path.is_file():
        raise StepFailure(FailureReason.INPUT_MISSING)
    link = directory / INPUT_NAME
    link.symlink_to(path.resolve())
    files.callback(link.unlink, missing_ok=True)


def _select(info: MediaInfo, preset: Preset) -> _Selection:
    """Choose the streams that the preset asks for. Raises StepFailure: NO_SUCH_STREAM."""
    video = info.best(StreamKind.VIDEO) if preset.video is not None else None
    audio = info.best(StreamKind.AUDIO) if preset.audio is not None else None
    for kind, recipe, found in (
        (StreamKind.VIDEO, preset.video, video),
        (StreamKind.AUDIO, preset.audio, audio),
    ):
        if recipe is not None and recipe.required and found is None:
            raise StepFailure(
                FailureReason.NO_SUCH_STREAM,
                f"The file has no {kind} stream, which preset {preset.name} needs.",
                metadata={"stream": str(kind), "preset": preset.name},
            )
    return _Selection(video, audio)


def _frame_count(video: StreamInfo | None) -> int | None:
    if video is None or video.span is None:
        return None
    count = video.span.packet_count
    if video.frames_per_second is not None:
        # Interlaced video can have two packets a frame, so the smaller number counts.
        by_rate = round(video.span.seconds * video.frames_per_second)
        count = min(count, by_rate) if by_rate > 0 else count
    return count
