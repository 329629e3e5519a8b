"""Builds the specs of subtitles and localized videos from what users say. Pure functions only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from babelmill.client.errors import InvalidArgument
from babelmill.client.upload_source import Uploadable
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.media.v1 import localize_pb2, subtitles_pb2
from babelmill.translation.v1 import translation_pb2

SubtitleFormatName: TypeAlias = Literal["", "srt", "vtt", "ass"]
ContainerName: TypeAlias = Literal["", "mp4", "mkv", "webm"]

_Word = TypeVar("_Word")

_FORMATS: Mapping[str, subtitles_pb2.SubtitleFormat.ValueType] = {
    "": subtitles_pb2.SUBTITLE_FORMAT_UNSPECIFIED,
    "srt": subtitles_pb2.SUBTITLE_FORMAT_SRT,
    "vtt": subtitles_pb2.SUBTITLE_FORMAT_VTT,
    "ass": subtitles_pb2.SUBTITLE_FORMAT_ASS,
}
_CONTAINERS: Mapping[str, subtitles_pb2.MediaContainer.ValueType] = {
    "": subtitles_pb2.MEDIA_CONTAINER_UNSPECIFIED,
    "mp4": subtitles_pb2.MEDIA_CONTAINER_MP4,
    "mkv": subtitles_pb2.MEDIA_CONTAINER_MKV,
    "webm": subtitles_pb2.MEDIA_CONTAINER_WEBM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrack:
    """A subtitle file that is to become a track: an artifact, a path, bytes or a file."""

    content: artifact_pb2.Artifact | Uploadable
    language: str
    title: str = ""
    charset: str = ""
    is_default: bool = False
    is_forced: bool = False


def parse_format(name: str) -> subtitles_pb2.SubtitleFormat.ValueType:
    """Read a format's word in any case. Raises InvalidArgument with the words."""
    return _parsed(_FORMATS, name, "format of subtitles")


def parse_container(name: str) -> subtitles_pb2.MediaContainer.ValueType:
    """Read a container's word in any case. Raises InvalidArgument with the words."""
    return _parsed(_CONTAINERS, name, "container")


def track_choice(language: str = "", index: int | None = None) -> subtitles_pb2.TrackChoice | None:
    """Describe a track by its language or its index; None if neither is given.

    Raises InvalidArgument if both are.
    """
    if language and index is not None:
        raise InvalidArgument("name a track by its language or its index, not both")
    if index is not None:
        return subtitles_pb2.TrackChoice(index=index)
    return subtitles_pb2.TrackChoice(language=language) if language else None


def localize_spec(
    video_id: str,
    source: str,
    targets: Sequence[str] | str,
    *,
    subtitles_id: str = "",
    charset: str = "",
    track: subtitles_pb2.TrackChoice | None = None,
    how: translation_pb2.TranslationOptions | None = None,
    container: str = "",
    replace: bool = False,
    burn_in: str = "",
) -> job_pb2.JobSpec:
    """Describe a video with its subtitles in other languages. Raises InvalidArgument."""
    if subtitles_id and track is not None:
        raise InvalidArgument("give subtitles or name a track, not both")
    spec = localize_pb2.LocalizeVideoSpec(
        artifact_id=video_id,
        source_language=source,
        target_languages=[targets] if isinstance(targets, str) else list(targets),
        options=how,
        container=parse_container(container),
        replace=replace,
        burn_in_language=burn_in,
    )
    if subtitles_id:
        spec.file.artifact_id = subtitles_id
        spec.file.charset = charset
    elif track is not None:
        spec.track.CopyFrom(track)
    return job_pb2.JobSpec(localize_video=spec)


def extract_spec(
    media_id: str, track: subtitles_pb2.TrackChoice | None, subtitle_format: str = ""
) -> job_pb2.JobSpec:
    """Describe the extraction of one text track, or of all. Raises InvalidArgument."""
    spec = subtitles_pb2.ProcessSubtitlesSpec(artifact_id=media_id)
    spec.extract.format = parse_format(subtitle_format)
    if track is not None:
        spec.extract.track.CopyFrom(track)
    return job_pb2.JobSpec(process_subtitles=spec)


def convert_spec(file_id: str, subtitle_format: str, charset: str = "") -> job_pb2.JobSpec:
    """Describe a subtitle file in another format. Raises InvalidArgument."""
    spec = subtitles_pb2.ProcessSubtitlesSpec(artifact_id=file_id)
    spec.convert.format = parse_format(subtitle_format)
    spec.convert.charset = charset
    return job_pb2.JobSpec(process_subtitles=spec)


def mux_spec(
    media_id: str,
    tracks: Sequence[tuple[str, NewTrack]],
    *,
    container: str = "",
    replace: bool = False,
) -> job_pb2.JobSpec:
    """Describe a media file with more tracks, each with its artifact. Raises InvalidArgument."""
    spec = subtitles_pb2.ProcessSubtitlesSpec(artifact_id=media_id)
    spec.mux.container = parse_container(container)
    spec.mux.replace = replace
    spec.mux.files.extend(_file(artifact_id, track) for artifact_id, track in tracks)
    return job_pb2.JobSpec(process_subtitles=spec)


def burn_in_spec(
    media_id: str,
    *,
    subtitles_id: str = "",
    language: str = "",
    charset: str = "",
    track: subtitles_pb2.TrackChoice | None = None,
) -> job_pb2.JobSpec:
    """Describe a video with subtitles in its pictures. Raises InvalidArgument."""
    if bool(subtitles_id) == (track is not None):
        raise InvalidArgument("give either subtitles or a track")
    spec = subtitles_pb2.ProcessSubtitlesSpec(artifact_id=media_id)
    if track is not None:
        spec.burn_in.track.CopyFrom(track)
    else:
        spec.burn_in.file.artifact_id = subtitles_id
        spec.burn_in.file.language = language
        spec.burn_in.file.charset = charset
    return job_pb2.JobSpec(process_subtitles=spec)


def _file(artifact_id: str, track: NewTrack) -> subtitles_pb2.SubtitleFile:
    return subtitles_pb2.SubtitleFile(
        artifact_id=artifact_id,
        language=track.language,
        title=track.title,
        charset=track.charset,
        is_default=track.is_default,
        is_forced=track.is_forced,
    )


def _parsed(words: Mapping[str, _Word], name: str, kind: str) -> _Word:
    try:
        return words[name.lower()]
    except KeyError:
        known = ", ".join(word for word in words if word)
        raise InvalidArgument(f"there is no {kind} {name!r}; there are: {known}") from None
