"""Chooses among the subtitle tracks of a media file."""

from collections.abc import Sequence

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from babelmill.media.v1 import subtitles_pb2
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.subtitles.forms import TEXT_CODECS
from media_worker.subtitles.languages import bcp47_language, is_same_language


def subtitle_tracks(info: MediaInfo) -> tuple[StreamInfo, ...]:
    """Return all subtitle tracks in their order."""
    return tuple(stream for stream in info.streams if stream.kind is StreamKind.SUBTITLE)


def text_tracks(info: MediaInfo) -> tuple[StreamInfo, ...]:
    """Return the tracks that hold text.

    Raises StepFailure: NO_SUCH_STREAM, or SUBTITLES_NOT_TEXT if there are only pictures.
    """
    tracks = subtitle_tracks(info)
    if not tracks:
        raise StepFailure(FailureReason.NO_SUCH_STREAM, "The file has no subtitle track.")
    found = tuple(track for track in tracks if track.codec in TEXT_CODECS)
    if not found:
        raise _not_text(tracks)
    return found


def chosen_track(info: MediaInfo, choice: subtitles_pb2.TrackChoice) -> StreamInfo:
    """Return the track that a client has named.

    Raises StepFailure: NO_SUCH_STREAM, SUBTITLES_NOT_TEXT.
    """
    tracks = subtitle_tracks(info)
    if choice.WhichOneof("by") == "index":
        if choice.index >= len(tracks):
            raise _no_such(tracks)
        track = tracks[choice.index]
        if track.codec not in TEXT_CODECS:
            raise _not_text([track])
        return track
    named = [track for track in tracks if is_same_language(track.language, choice.language)]
    if not named:
        raise _no_such(tracks)
    return _best(named)


def track_to_translate(info: MediaInfo, source_language: str) -> StreamInfo:
    """Choose the track to translate: of the language if it is told, else the first of text.

    Raises StepFailure: NO_SUCH_STREAM, SUBTITLES_NOT_TEXT.
    """
    tracks = text_tracks(info)
    if not source_language:
        return _best(tracks)
    named = [track for track in tracks if is_same_language(track.language, source_language)]
    unnamed = [track for track in tracks if not track.language]
    if not named and not unnamed:
        raise _no_such(tracks)
    return _best(named or unnamed)


def _best(tracks: Sequence[StreamInfo]) -> StreamInfo:
    """Choose a track of text, rather one with all that is said than a forced one."""
    text = [track for track in tracks if track.codec in TEXT_CODECS]
    if not text:
        raise _not_text(tracks)
    return next((track for track in text if not track.is_forced), text[0])


def _no_such(tracks: Sequence[StreamInfo]) -> StepFailure:
    languages = [bcp47_language(track.language) or "und" for track in tracks]
    return StepFailure(
        FailureReason.NO_SUCH_STREAM,
        "The file has no such subtitle track.",
        metadata={"languages": ", ".join(languages)},
    )


def _not_text(tracks: Sequence[StreamInfo]) -> StepFailure:
    return StepFailure(
        FailureReason.SUBTITLES_NOT_TEXT, metadata={"codec": tracks[0].codec if tracks else ""}
    )
