"""The handler that adds subtitle tracks to a media file, whose streams are copied bit by bit.

The result is read again before it is handed over: pictures and sound by their hashes, each new
track cue by cue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Result, StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.failures import failure_of_run, refused
from media_worker.ffmpeg.media_info import MediaInfo, StreamKind
from media_worker.ffmpeg.probe import probe
from media_worker.ffmpeg.progress import MediaProgress, ProgressParser
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions
from media_worker.presets.naming import output_stem
from media_worker.subtitles.arguments import Mux, NewTrack, mux_arguments
from media_worker.subtitles.copying import check_copied, invalid
from media_worker.subtitles.cues import (
    Cue,
    TooManyCues,
    differences,
    one_at_a_time,
    overlap,
    write_cues,
)
from media_worker.subtitles.files import (
    SubtitlesOnDisk,
    access_of,
    cues_of,
    cues_of_tracks,
    put,
)
from media_worker.subtitles.forms import CONTAINERS, MP4, SRT, Container, containers_like
from media_worker.subtitles.languages import container_language, is_same_language, native_name
from media_worker.subtitles.reading import read_subtitles
from media_worker.subtitles.tracks import subtitle_tracks

STAGE = "mux"

_FONT_CODECS = frozenset({"ttf", "otf"})
_UNSUITABLE = (
    "codec not currently supported in container",
    "are supported for WebM",
    "Could not find tag for codec",
    "is not supported by this format",
)


class UnsuitableContainer(Exception):
    """The container cannot hold a stream of the file."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A subtitle file that is to become a track, and what it shows."""

    order: lease_pb2.TrackToMux
    file: SubtitlesOnDisk
    cues: tuple[Cue, ...]


class MuxTracksHandler:
    """Adds subtitle tracks to a media file."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.mux_tracks
        with self._sessions.open(attempt) as session, session.input(wanted.source) as source:
            info = session.probe(source)
            given = [
                _read(session, number, order) for number, order in enumerate(wanted.tracks, start=1)
            ]
            chosen = CONTAINERS.get(wanted.container)
            for container in (chosen,) if chosen else containers_like(info):
                try:
                    output = _muxed(session, source, info, wanted, given, container)
                except UnsuitableContainer:
                    continue
                return session.result([output])
            raise StepFailure(FailureReason.CONTAINER_UNSUITABLE)


def run_into(
    session: FfmpegSession, arguments: Sequence[str], progress: MediaProgress, stage: str
) -> str:
    """Run ffmpeg into a container that may refuse a stream, and return what it has said.

    Raises UnsuitableContainer, StepFailure, and Stopped.
    """
    parser = ProgressParser()

    def take(chunk: bytes) -> None:
        for block in parser.feed(chunk):
            session.report(progress, stage, progress.take(block))

    result = session.context.run(arguments, on_progress=take)
    if not result.succeeded:
        if any(words in result.stderr for words in _UNSUITABLE):
            raise UnsuitableContainer
        raise failure_of_run(result)
    return result.stderr


def _read(session: FfmpegSession, number: int, order: lease_pb2.TrackToMux) -> _Given:
    text, form = read_subtitles(order.subtitles, order.charset, session.attempt)
    file = put(session, f"new-{number}.{form.extension}", text, form)
    return _Given(order, file, cues_of(session, file))


def _muxed(
    session: FfmpegSession,
    source: SourceAccess,
    info: MediaInfo,
    wanted: lease_pb2.MuxTracksWork,
    given: Sequence[_Given],
    container: Container,
) -> Output:
    given = [_fitted(session, each, container) for each in given]
    mux = Mux(
        container=container,
        copied_indexes=_copied_indexes(info, container),
        kept_tracks=() if wanted.replace else _kept_tracks(info, container),
        new_tracks=tuple(_new_track(session, each) for each in given),
        output_name=f"muxed.{container.extension}",
    )
    path = session.directory / mux.output_name
    progress = MediaProgress(info.duration_seconds)
    try:
        with tracer(__name__).start_as_current_span(
            "ffmpeg.mux", attributes={"babelmill.tracks": len(given)}
        ):
            run_into(session, mux_arguments(source, mux), progress, STAGE)
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify"):
            _verify(session, source, info, mux, given)
        name = f"{output_stem(wanted.source.filename)}.subtitled.{container.extension}"
        output = session.attempt.output_file(name, container.media_type, path)
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return output


def _fitted(session: FfmpegSession, given: _Given, container: Container) -> _Given:
    """Join cues that overlap where the container shows only one at a time."""
    if container is not MP4 or not overlap(given.cues):
        return given
    try:
        cues = one_at_a_time(given.cues)
    except TooManyCues as error:
        raise refused(
            "CUE_LIMIT", "The subtitles show more at a time than is processed."
        ) from error
    name = f"joined-{given.file.name.partition('.')[0]}.srt"
    return _Given(given.order, put(session, name, write_cues(cues), SRT), cues)


def _copied_indexes(info: MediaInfo, container: Container) -> tuple[int, ...]:
    """Name the streams that stay as they are; fonts are of use in Matroska alone."""
    kinds = {StreamKind.VIDEO, StreamKind.AUDIO}
    keeps_fonts = container.name == "mkv" and "matroska" in info.format_names
    return tuple(
        s.index
        for s in info.streams
        if s.kind in kinds or (keeps_fonts and s.codec in _FONT_CODECS)
    )


def _kept_tracks(info: MediaInfo, container: Container) -> tuple[tuple[int, str], ...]:
    kept = []
    for track in subtitle_tracks(info):
        codec = container.codec_for(track.codec)
        if codec is None:
            raise UnsuitableContainer
        kept.append((track.index, codec))
    return tuple(kept)


def _new_track(session: FfmpegSession, given: _Given) -> NewTrack:
    order = given.order
    return NewTrack(
        access=access_of(session, given.file),
        form=given.file.form,
        language=container_language(order.language),
        title=order.title or native_name(order.language),
        is_default=order.is_default,
        is_forced=order.is_forced,
    )


def _verify(
    session: FfmpegSession,
    source: SourceAccess,
    source_info: MediaInfo,
    mux: Mux,
    given: Sequence[_Given],
) -> None:
    output = session.access(mux.output_name, formats=(mux.container.demuxer,))
    try:
        info = probe(session.context, output)
    except StepFailure as error:
        if error.reason in {FailureReason.NOT_MEDIA, FailureReason.MEDIA_REFUSED}:
            raise invalid("readable") from error
        raise
    check_copied(session, source, source_info, output, info)
    tracks = subtitle_tracks(info)
    if len(tracks) != len(mux.kept_tracks) + len(given):
        raise invalid("subtitle_tracks")
    new = tracks[len(mux.kept_tracks) :]
    found = cues_of_tracks(session, output, [track.index for track in new])
    for track, cues, each in zip(new, found, given, strict=True):
        if each.order.language != "und" and not is_same_language(
            track.language, container_language(each.order.language)
        ):
            raise invalid("track_language")
        if differences(cues, each.cues):
            raise invalid("cues")
