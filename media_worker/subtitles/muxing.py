"""The handler that adds subtitle tracks to a media file, whose streams are copied bit by bit.

The result is read again before it is handed over: pictures and sound by their hashes, each new
track cue by cue.
"""

from collections.abc import Callable, Sequence
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
from media_worker.subtitles.copying import HashReader, check_copied, invalid, played_streams
from media_worker.subtitles.cues import (
    Cue,
    TooManyCues,
    differences,
    one_at_a_time,
    overlap,
    without_fonts,
    write_cues,
)
from media_worker.subtitles.files import (
    SubtitlesOnDisk,
    access_of,
    cues_of,
    put,
    read_again,
)
from media_worker.subtitles.forms import ASS, CONTAINERS, MP4, SRT, Container, containers_like
from media_worker.subtitles.languages import container_language, is_same_language, native_name
from media_worker.subtitles.reading import read_subtitles, without_drawings
from media_worker.subtitles.tracks import subtitle_tracks

STAGE = "mux"

_FONT_CODECS = frozenset({"ttf", "otf"})
_WITHOUT_TIMES = frozenset({"avi", "mpeg"})
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
            like_own = containers_like(info, wanted.source.filename)
            for container in (chosen,) if chosen else like_own:
                try:
                    output = _muxed(session, source, info, wanted, given, container)
                except UnsuitableContainer:
                    continue
                return session.result([output])
            raise StepFailure(FailureReason.CONTAINER_UNSUITABLE)


def run_into(
    session: FfmpegSession,
    arguments: Sequence[str],
    progress: MediaProgress,
    stage: str,
    on_stdout: Callable[[bytes], None] | None = None,
) -> None:
    """Run ffmpeg into a container that may refuse a stream.

    Raises UnsuitableContainer, StepFailure, and Stopped.
    """
    parser = ProgressParser()

    def take(chunk: bytes) -> None:
        for block in parser.feed(chunk):
            session.report(progress, stage, progress.take(block))

    result = session.context.run(arguments, on_stdout=on_stdout, on_progress=take)
    if not result.succeeded:
        if any(words in result.stderr for words in _UNSUITABLE):
            raise UnsuitableContainer
        raise failure_of_run(result)


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
        hashed_indexes=tuple(stream.index for stream in played_streams(info)),
        lacks_times=not _WITHOUT_TIMES.isdisjoint(info.format_names),
    )
    hashes = HashReader()
    path = session.directory / mux.output_name
    progress = MediaProgress(info.duration_seconds)
    try:
        with tracer(__name__).start_as_current_span(
            "ffmpeg.mux", attributes={"babelmill.tracks": len(given)}
        ):
            run_into(session, mux_arguments(source, mux), progress, STAGE, hashes.feed)
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify"):
            _verify(session, (source, info, hashes.hashes()), mux, given)
        name = f"{output_stem(wanted.source.filename)}.subtitled.{container.extension}"
        output = session.attempt.output_file(name, container.media_type, path)
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return output


def _fitted(session: FfmpegSession, given: _Given, container: Container) -> _Given:
    """Make of a file what the container can show: plain words, and one cue at a time."""
    is_plain = given.file.form is not ASS
    if container is not MP4 or (is_plain and not overlap(given.cues)):
        return given
    cues = given.cues if is_plain else _plain_cues(session, given.file)
    try:
        cues = one_at_a_time(cues)
    except TooManyCues as error:
        raise refused(
            "CUE_LIMIT", "The subtitles show more at a time than is processed."
        ) from error
    name = f"joined-{given.file.name.partition('.')[0]}.srt"
    return _Given(given.order, put(session, name, write_cues(cues), SRT), cues)


def _plain_cues(session: FfmpegSession, file: SubtitlesOnDisk) -> tuple[Cue, ...]:
    text = (session.directory / file.name).read_text(encoding="utf-8")
    name = f"plain-{file.name}"
    cues = cues_of(session, put(session, name, without_drawings(text), file.form))
    plain = (
        Cue(cue.start_ms, cue.end_ms, without_fonts(cue.text).replace("\\h", " ")) for cue in cues
    )
    return tuple(cue for cue in plain if cue.words)


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
    source: tuple[SourceAccess, MediaInfo, list[str]],
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
    tracks = subtitle_tracks(info)
    if len(tracks) != len(mux.kept_tracks) + len(given):
        raise invalid("subtitle_tracks")
    new = tracks[len(mux.kept_tracks) :]
    hashes = HashReader()
    found = read_again(
        session,
        output,
        [track.index for track in new],
        [stream.index for stream in played_streams(info)],
        hashes.feed,
    )
    check_copied(session, source, (output, info, hashes.hashes()))
    for track, cues, each in zip(new, found, given, strict=True):
        if each.order.language != "und" and not is_same_language(
            track.language, container_language(each.order.language)
        ):
            raise invalid("track_language")
        if differences(cues, each.cues):
            raise invalid("cues")
