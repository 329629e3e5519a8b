"""Finds out what a media file holds, with ffmpeg alone: there is no ffprobe in the wheel.

One run prints what the header says, and lists every packet of the whole file
without decoding. That takes about a thousandth of the time of an encode, and
shows what headers hide: files that were cut short, streams without packets,
pauses, and how many frames there really are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from media_worker.ffmpeg.command import (
    SourceAccess,
    check_arguments,
    inspect_arguments,
    probe_arguments,
)
from media_worker.ffmpeg.failures import (
    failure_of_opening,
    failure_of_run,
    refused,
    says_cut_short,
)
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.packet_scan import MalformedScan, PacketScan, ScannedStream
from media_worker.ffmpeg.runner import EndedBy, FfmpegRunner, RunnerBroken, RunResult, StopRequest
from media_worker.ffmpeg.stream_dump import (
    channels_of_layout,
    complaints,
    parse_stream_dump,
    parse_stream_mapping,
)

_SCANNED_KINDS = frozenset({StreamKind.VIDEO, StreamKind.AUDIO, StreamKind.SUBTITLE})
# These containers say how long they are, exactly.
_EXACT_CONTAINERS = frozenset({"mov", "matroska"})
# Headers count a last frame's time on the screen, which packets may not tell.
_SHORTFALL_SECONDS = 1.0
_SHORTFALL_SHARE = 0.02


class Stopped(Exception):
    """The run was stopped at the wish of the one who asked for it."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all runs of one attempt have in common."""

    runner: FfmpegRunner
    directory: Path
    stop: StopRequest
    deadline_seconds: float
    """On the monotonic clock."""
    meter: UsageMeter

    def run(
        self,
        arguments: Sequence[str],
        *,
        on_stdout: Callable[[bytes], None] | None = None,
        on_progress: Callable[[bytes], None] | None = None,
    ) -> RunResult:
        """Run ffmpeg once. Raises Stopped, and StepFailure at the deadline."""
        result = self.runner.run(
            arguments,
            directory=self.directory,
            stop=self.stop,
            deadline_seconds=self.deadline_seconds,
            meter=self.meter,
            on_stdout=on_stdout,
            on_progress=on_progress,
        )
        if result.ended_by is EndedBy.STOP:
            raise Stopped
        if result.ended_by is EndedBy.DEADLINE:
            raise failure_of_run(result)
        return result


def probe(context: RunContext, source: SourceAccess) -> MediaInfo:
    """Inspect and scan a file.

    Raises StepFailure (NOT_MEDIA, MEDIA_REFUSED, INPUT_MISSING) and Stopped.
    """
    info, result = _read(context, probe_arguments(source))
    if says_cut_short(result.stderr) or _falls_short(info):
        raise refused("CUT_SHORT", "The file is cut short: it holds less than its header says.")
    return info


def check(context: RunContext, source: SourceAccess, *, has_video: bool) -> MediaInfo:
    """Inspect and scan a file of our own making, and decode its sound and key pictures.

    Raises StepFailure as `probe`, MEDIA_REFUSED for what does not decode, and Stopped.
    """
    info, _ = _read(context, check_arguments(source, has_video=has_video))
    return info


def inspect(context: RunContext, source: SourceAccess) -> MediaInfo:
    """Read what the header says, which is quick and not to be trusted. Raises as `probe`."""
    return _header(context.run(inspect_arguments(source)))


def _read(context: RunContext, arguments: list[str]) -> tuple[MediaInfo, RunResult]:
    """Return what was found, and the run with ffmpeg's complaints alone."""
    scan = PacketScan()
    try:
        result = context.run(arguments, on_stdout=scan.feed)
        scanned = scan.finish() if result.succeeded else []
    except MalformedScan as error:
        raise RunnerBroken("ffmpeg's list of packets cannot be read") from error
    header = _header(result)
    said = replace(result, stderr=complaints(result.stderr))
    if not any(s.kind in _SCANNED_KINDS and not s.is_cover for s in header.streams):
        return header, said
    if not result.succeeded:
        raise failure_of_run(said)
    indexes = parse_stream_mapping(result.stderr)
    if len(indexes) != len(scanned):
        raise RunnerBroken("ffmpeg's list of streams cannot be read")
    return _merge(header, dict(zip(indexes, scanned, strict=True))), said


def _header(result: RunResult) -> MediaInfo:
    if result.signal_number is not None:
        raise failure_of_run(result)
    header = parse_stream_dump(result.stderr)
    if header is None or "exceeds max_streams" in result.stderr:
        raise failure_of_opening(result.stderr)
    if "exceeds specified max pixel count" in result.stderr:
        raise failure_of_opening(result.stderr)
    return header


def _merge(header: MediaInfo, scanned: Mapping[int, ScannedStream]) -> MediaInfo:
    return replace(
        header,
        streams=tuple(_merge_stream(s, scanned.get(s.index)) for s in header.streams),
    )


def _merge_stream(header: StreamInfo, scanned: ScannedStream | None) -> StreamInfo:
    if scanned is None:
        return header
    return replace(
        header,
        kind=scanned.kind,
        codec=scanned.codec or header.codec,
        width=scanned.width or header.width,
        height=scanned.height or header.height,
        sample_rate_hz=scanned.sample_rate_hz or header.sample_rate_hz,
        channels=channels_of_layout(scanned.layout) or header.channels,
        span=scanned.span(),
    )


def _falls_short(info: MediaInfo) -> bool:
    if info.declared_seconds is None or _EXACT_CONTAINERS.isdisjoint(info.format_names):
        return False
    held = max((s.span.end_seconds for s in info.streams if s.span is not None), default=0.0)
    allowed = max(_SHORTFALL_SECONDS, info.declared_seconds * _SHORTFALL_SHARE)
    # Matroska counts from zero, not from its first packet.
    before = info.declared_start_seconds if "matroska" in info.format_names else 0.0
    return info.declared_seconds - before - held > allowed
