"""The first step of a video in segments: probe it, and find where it can be cut.

A video that cannot be cut, or is not worth it, is left in one piece; only what
no transcode would take is refused here.
"""

from dataclasses import dataclass, replace

from opentelemetry.trace import Span

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Result, StepFailure
from babelmill.media.v1 import segments_pb2
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.media_info import MediaInfo, StreamKind
from media_worker.ffmpeg.probe import inspect
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions
from media_worker.pipeline.selection import Selection, check_duration, frame_count, select
from media_worker.presets.options import read_options
from media_worker.segments.arguments import remux_arguments
from media_worker.segments.cutting import (
    Segment,
    count_segments,
    cut,
    duration_seconds,
    wastes_decoding,
)
from media_worker.segments.frame_times import FrameTimes
from media_worker.segments.plan_file import FILENAME, MEDIA_TYPE, SegmentPlan, write_plan
from media_worker.segments.recipes import find_preset
from media_worker.segments.scanning import scan_frame_times

_REMUXED_NAME = "source.mkv"
_REMUXED_FORMAT = "matroska"
_REMUXED_MEDIA_TYPE = "video/x-matroska"
# They have no index of where frames lie. Others must stay: MP4 would lose its edit lists.
_WITHOUT_INDEX = frozenset({"mpegts", "mpeg"})
# Every packet of these is one picture that is shown. VP8 also has pictures that are not.
_CODECS = frozenset(
    {"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "prores", "mjpeg", "ffv1"}
)
_FRAME_COUNT_TOLERANCE = 0.05
_SHORTEST_SECONDS = 0.001
_LEFT = "babelmill.left_in_one_piece"


class LeftInOnePiece(Exception):
    """The video is not cut; `cause` is a word for why."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Cuttable:
    """A source that can be cut, and what of it is read."""

    access: SourceAccess
    selection: Selection
    times: FrameTimes
    segments: tuple[Segment, ...]
    remuxed: bool


class SplitMediaHandler:
    """Finds where a video can be cut."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.split_media
        preset = find_preset(wanted.preset)
        options = read_options(wanted.options, preset)
        with (
            self._sessions.open(attempt) as session,
            session.input(wanted.source) as source,
            tracer(__name__).start_as_current_span("media.split") as span,
        ):
            seconds = _told_seconds(session, source, wanted)
            if seconds is not None:
                return _left(session, span, "too_short", frames=0, seconds=seconds)
            info = session.probe(source)
            selection = select(info, preset, without_audio=options.without_audio)
            check_duration(info, selection, session.limits.max_duration_seconds)
            try:
                found = _look(session, source, info, selection, wanted)
            except LeftInOnePiece as left:
                frames = frame_count(selection.video) or 0
                return _left(session, span, left.cause, frames, selection.end_seconds)
            span.set_attribute("babelmill.segments", len(found.segments))
            return _result(session, info, found)


def _look(
    session: FfmpegSession,
    source: SourceAccess,
    info: MediaInfo,
    selection: Selection,
    wanted: lease_pb2.SplitMediaWork,
) -> _Cuttable:
    """Find the cuts. Raises LeftInOnePiece, StepFailure and Stopped."""
    video = selection.video
    if video is None or video.codec not in _CODECS:
        raise LeftInOnePiece("codec")
    if selection.end_seconds < wanted.from_seconds:
        raise LeftInOnePiece("too_short")
    remuxed = not _WITHOUT_INDEX.isdisjoint(info.format_names)
    if remuxed:
        source, selection = _remux(session, source, selection)
    times = _frame_times(session, source, selection)
    count = count_segments(duration_seconds(times), wanted.length_seconds, wanted.max_segments)
    segments = cut(times, count)
    if len(segments) == 1:
        raise LeftInOnePiece("one_segment")
    if wastes_decoding(times, segments):
        raise LeftInOnePiece("rare_key_pictures")
    return _Cuttable(source, selection, times, segments, remuxed)


def _remux(
    session: FfmpegSession, source: SourceAccess, selection: Selection
) -> tuple[SourceAccess, Selection]:
    """Copy the streams into a container with an index. Raises as `_look`."""
    try:
        session.run(remux_arguments(source, selection.indexes, _REMUXED_NAME))
        access = session.access(_REMUXED_NAME, formats=(_REMUXED_FORMAT,))
        info = session.probe(access)
    except StepFailure as error:
        if error.reason in {FailureReason.ENCODE_FAILED, FailureReason.MEDIA_REFUSED}:
            raise LeftInOnePiece("no_copy") from error
        raise
    return access, Selection(
        video=info.best(StreamKind.VIDEO),
        audio=info.best(StreamKind.AUDIO) if selection.audio else None,
    )


def _frame_times(session: FfmpegSession, source: SourceAccess, selection: Selection) -> FrameTimes:
    """Read when each frame is shown. Raises as `_look`."""
    video = selection.video
    if video is None:
        raise LeftInOnePiece("no_copy")
    times = scan_frame_times(session, source, video.index)
    if isinstance(times, str):
        raise LeftInOnePiece(times)
    rate = video.frames_per_second
    most = (rate or 0.0) * duration_seconds(times) * (1 + _FRAME_COUNT_TOLERANCE) + 1
    if rate is not None and len(times.ticks) > most:
        # Fields that lie apart: two packets make one frame.
        raise LeftInOnePiece("fields")
    return times


def _told_seconds(
    session: FfmpegSession, source: SourceAccess, wanted: lease_pb2.SplitMediaWork
) -> float | None:
    """Read how long the header says that the video is, if that is too short to be cut.

    It may lie: then a long video is encoded in one piece.
    """
    if not wanted.from_seconds:
        return None
    seconds = inspect(session.context, source).declared_seconds
    return seconds if seconds is not None and 0 < seconds < wanted.from_seconds else None


def _left(session: FfmpegSession, span: Span, cause: str, frames: int, seconds: float) -> Result:
    """Say that the video stays in one piece."""
    span.set_attribute(_LEFT, cause)
    session.attempt.log.info("left_in_one_piece", cause=cause)
    whole = segments_pb2.MediaSegment(frames=frames, seconds=max(seconds, _SHORTEST_SECONDS))
    return replace(session.result(()), split=segments_pb2.MediaSplit(segments=[whole]))


def _result(session: FfmpegSession, info: MediaInfo, found: _Cuttable) -> Result:
    video = found.selection.video
    if video is None:
        raise TypeError(found)
    start = found.times.seconds(found.times.ticks[0])
    plan = SegmentPlan(
        threads=session.limits.threads,
        formats=found.access.formats,
        strict=info.is_strict,
        video=video,
        audio=found.selection.audio,
        start_microseconds=round(start * 1_000_000),
        segments=found.segments,
    )
    attempt = session.attempt
    outputs = [attempt.output_bytes(FILENAME, MEDIA_TYPE, write_plan(plan))]
    if found.remuxed:
        path = session.directory / _REMUXED_NAME
        outputs.append(attempt.output_file(_REMUXED_NAME, _REMUXED_MEDIA_TYPE, path))
    split = segments_pb2.MediaSplit(
        segments=[
            segments_pb2.MediaSegment(frames=segment.frames, seconds=segment.seconds)
            for segment in found.segments
        ],
        plan_filename=FILENAME,
        source_filename=_REMUXED_NAME if found.remuxed else "",
    )
    return Result(outputs=tuple(outputs), usage=session.usage(), split=split)
