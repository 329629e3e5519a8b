"""Subtitle files in a session's directory: written, converted, and read as cues by ffmpeg."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.failures import refused
from media_worker.ffmpeg.media_info import StreamInfo
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.subtitles.arguments import (
    TrackFile,
    convert_arguments,
    extract_arguments,
    read_again_arguments,
)
from media_worker.subtitles.cues import Cue, TooManyCues, read_cues
from media_worker.subtitles.forms import SRT, SubtitleForm, natural_form
from media_worker.subtitles.reading import MAX_SUBTITLE_BYTES


@dataclass(frozen=True, slots=True)
class SubtitlesOnDisk:
    """A file of UTF-8 in the session's directory, and what it is."""

    name: str
    form: SubtitleForm


def put(session: FfmpegSession, name: str, text: str, form: SubtitleForm) -> SubtitlesOnDisk:
    """Write subtitles under a name of ours."""
    (session.directory / name).write_text(text, encoding="utf-8", newline="")
    return SubtitlesOnDisk(name, form)


def access_of(session: FfmpegSession, file: SubtitlesOnDisk) -> SourceAccess:
    """Say how ffmpeg may open it: as this format and no other."""
    return session.access(file.name, formats=(file.form.ffmpeg_format,))


def convert(
    session: FfmpegSession, file: SubtitlesOnDisk, to: SubtitleForm, name: str
) -> SubtitlesOnDisk:
    """Write subtitles in another format. Raises StepFailure: NOT_SUBTITLES, and Stopped."""
    arguments = convert_arguments(access_of(session, file), file.form, to, name)
    result = session.context.run(arguments)
    if not result.succeeded or not (session.directory / name).is_file():
        raise StepFailure(FailureReason.NOT_SUBTITLES)
    return SubtitlesOnDisk(name, to)


def cues_of(session: FfmpegSession, file: SubtitlesOnDisk) -> tuple[Cue, ...]:
    """Read the cues as ffmpeg does.

    Raises StepFailure: NOT_SUBTITLES where there is none, MEDIA_REFUSED, and Stopped.
    """
    name = f"{file.name}.cues"
    path = session.directory / name
    try:
        convert(session, file, SRT, name)
        cues = _read(session, name)
    finally:
        path.unlink(missing_ok=True)
    if not cues:
        raise StepFailure(FailureReason.NOT_SUBTITLES, "The file holds no cue.")
    return cues


def read_again(
    session: FfmpegSession,
    source: SourceAccess,
    stream_indexes: Sequence[int],
    hashed_indexes: Sequence[int],
    on_hashes: Callable[[bytes], None],
) -> list[tuple[Cue, ...]]:
    """Read the cues of some tracks of a media file and the hashes of others, in one pass.

    Raises StepFailure: MEDIA_REFUSED, and Stopped.
    """
    names = [f"track-{index}.cues" for index in stream_indexes]
    files = [
        TrackFile(index, SRT.codec, SRT, name)
        for index, name in zip(stream_indexes, names, strict=True)
    ]
    try:
        session.run(read_again_arguments(source, hashed_indexes, files), on_stdout=on_hashes)
        return [_read(session, name) for name in names]
    finally:
        for name in names:
            (session.directory / name).unlink(missing_ok=True)


def take_tracks(
    session: FfmpegSession,
    source: SourceAccess,
    tracks: Sequence[StreamInfo],
    form: SubtitleForm | None = None,
) -> list[SubtitlesOnDisk]:
    """Write tracks as files, each in its natural format or all in `form`.

    Raises StepFailure: EMPTY_TEXT for a track without a cue, and Stopped.
    """
    files = []
    for track in tracks:
        wanted = form or natural_form(track.codec)
        # What is in the format already keeps every byte of its markup.
        codec = "copy" if track.codec in {wanted.codec, wanted.name} else wanted.codec
        name = f"track-{track.index}.{wanted.extension}"
        files.append(TrackFile(track.index, codec, wanted, name))
    session.run(extract_arguments(source, files))
    taken = [SubtitlesOnDisk(file.output_name, file.form) for file in files]
    for file in taken:
        path = session.directory / file.name
        if not path.is_file() or path.stat().st_size == 0:
            raise StepFailure(FailureReason.EMPTY_TEXT, "The subtitle track holds no cue.")
        if path.stat().st_size > MAX_SUBTITLE_BYTES:
            raise refused("CUE_LIMIT", "The subtitle track holds more than is processed.")
    return taken


def _read(session: FfmpegSession, name: str) -> tuple[Cue, ...]:
    path = session.directory / name
    if not path.is_file():
        return ()
    if path.stat().st_size > MAX_SUBTITLE_BYTES:
        raise refused("CUE_LIMIT", "The subtitles hold more than is processed.")
    try:
        return read_cues(path.read_text(encoding="utf-8", errors="replace"))
    except TooManyCues as error:
        raise refused("CUE_LIMIT", "The subtitles hold more cues than are processed.") from error
