"""What a client asks about subtitles and of localized videos, in JSON.

Shapes and names are those of the contract; see `specs`. Whether a track is there, or a charset
exists, is the job service's and the workers' to tell.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from pydantic import BaseModel, ConfigDict, Field, model_validator

from babelmill.media.v1 import localize_pb2, subtitles_pb2
from gateway.transcoding.translations import (
    TranslationOptions,
    translation_fields,
    translation_to_proto,
)
from gateway.transcoding.words import RequestText

_LARGEST_INT32 = 2**31 - 1
_ENUM_PREFIXES = {"format": "SUBTITLE_FORMAT_", "container": "MEDIA_CONTAINER_"}


def _is_absent(value: object) -> bool:
    return value is None


class SubtitleFormatWord(StrEnum):
    """A file format of text subtitles."""

    UNSPECIFIED = "unspecified"
    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"


class MediaContainerWord(StrEnum):
    """A file format of video with subtitles in it."""

    UNSPECIFIED = "unspecified"
    MP4 = "mp4"
    MKV = "mkv"
    WEBM = "webm"


class _OneOf(BaseModel):
    """Of some members at most one may be set, as in the contract's oneof."""

    model_config = ConfigDict(extra="forbid")

    def _set_members(self, *names: str) -> None:
        if sum(getattr(self, name) is not None for name in names) > 1:
            raise ValueError(f"set exactly one of {', '.join(names)}")


class TrackChoice(_OneOf):
    """One subtitle track, by its language or its index."""

    language: RequestText | None = Field(
        default=None, exclude_if=_is_absent, description="By BCP 47 or ISO 639-2."
    )
    index: int | None = Field(
        default=None,
        exclude_if=_is_absent,
        ge=-_LARGEST_INT32,
        le=_LARGEST_INT32,
        description="Among the file's subtitle tracks, from 0.",
    )

    @model_validator(mode="after")
    def _one(self) -> "TrackChoice":
        self._set_members("language", "index")
        return self


class ExtractSubtitles(BaseModel):
    """Text tracks out of a media file."""

    model_config = ConfigDict(extra="forbid")

    track: TrackChoice | None = Field(
        default=None, exclude_if=_is_absent, description="Absent: every track of text."
    )
    format: SubtitleFormatWord = SubtitleFormatWord.UNSPECIFIED


class ConvertSubtitles(BaseModel):
    """A subtitle file into another format."""

    model_config = ConfigDict(extra="forbid")

    format: SubtitleFormatWord = SubtitleFormatWord.UNSPECIFIED
    charset: RequestText = Field(
        default="", description="Such as `windows-1252`; empty: told by the bytes."
    )


class SubtitleFile(BaseModel):
    """A subtitle file that is to become a track."""

    model_config = ConfigDict(extra="forbid")

    artifact_id: RequestText = Field(default="", description="An SRT, WebVTT or ASS file.")
    language: RequestText = Field(default="", description="By BCP 47.")
    title: RequestText = Field(default="", description="Empty: the language's own name.")
    charset: RequestText = ""
    is_default: bool = False
    is_forced: bool = False


class MuxSubtitles(BaseModel):
    """Subtitle files into a media file, as tracks."""

    model_config = ConfigDict(extra="forbid")

    files: list[SubtitleFile] = Field(default_factory=list, description="1 to 32.")
    container: MediaContainerWord = MediaContainerWord.UNSPECIFIED
    replace: bool = Field(default=False, description="Leave out the tracks that are there.")


class BurnInSubtitles(_OneOf):
    """Subtitles into the pictures."""

    file: SubtitleFile | None = Field(default=None, exclude_if=_is_absent)
    track: TrackChoice | None = Field(default=None, exclude_if=_is_absent)

    @model_validator(mode="after")
    def _one(self) -> "BurnInSubtitles":
        self._set_members("file", "track")
        return self


class ProcessSubtitlesSpec(_OneOf):
    """Work on the subtitles of a file; exactly one operation is set."""

    artifact_id: RequestText = Field(default="", description="The media or subtitle file.")
    extract: ExtractSubtitles | None = Field(default=None, exclude_if=_is_absent)
    convert: ConvertSubtitles | None = Field(default=None, exclude_if=_is_absent)
    mux: MuxSubtitles | None = Field(default=None, exclude_if=_is_absent)
    burn_in: BurnInSubtitles | None = Field(default=None, exclude_if=_is_absent)

    @model_validator(mode="after")
    def _one(self) -> "ProcessSubtitlesSpec":
        self._set_members("extract", "convert", "mux", "burn_in")
        return self


class SubtitleSource(BaseModel):
    """A subtitle file to translate."""

    model_config = ConfigDict(extra="forbid")

    artifact_id: RequestText = ""
    charset: RequestText = ""


class LocalizeVideoSpec(_OneOf):
    """A video with its subtitles in other languages.

    Targets are the languages, `video` and, if it is asked for, `burned_in`.
    """

    artifact_id: RequestText = Field(default="", description="The uploaded video.")
    file: SubtitleSource | None = Field(
        default=None, exclude_if=_is_absent, description="Subtitles to translate."
    )
    track: TrackChoice | None = Field(
        default=None, exclude_if=_is_absent, description="The track to translate, if not a file."
    )
    source_language: RequestText = Field(default="", description="Empty: the track's own.")
    target_languages: list[RequestText] = Field(default_factory=list)
    options: TranslationOptions | None = Field(default=None, exclude_if=_is_absent)
    container: MediaContainerWord = MediaContainerWord.UNSPECIFIED
    replace: bool = Field(default=False, description="Leave out the tracks that are there.")
    burn_in_language: RequestText = Field(
        default="", description="One of the target languages, to be drawn into the pictures."
    )

    @model_validator(mode="after")
    def _one(self) -> "LocalizeVideoSpec":
        self._set_members("file", "track")
        return self


def subtitles_to_proto(given: ProcessSubtitlesSpec) -> subtitles_pb2.ProcessSubtitlesSpec:
    """Read work on subtitles."""
    fields = _with_words(given.model_dump(mode="json", exclude_none=True), _to_enum)
    return json_format.ParseDict(fields, subtitles_pb2.ProcessSubtitlesSpec())


def subtitles_from_proto(message: subtitles_pb2.ProcessSubtitlesSpec) -> ProcessSubtitlesSpec:
    """Write work on subtitles."""
    return ProcessSubtitlesSpec.model_validate(_with_words(_fields(message), _to_word))


def localize_to_proto(given: LocalizeVideoSpec) -> localize_pb2.LocalizeVideoSpec:
    """Read a localized video."""
    message = localize_pb2.LocalizeVideoSpec()
    unspecified = given.model_copy(update={"container": None})
    translation_to_proto(unspecified, message)
    name = f"{_ENUM_PREFIXES['container']}{given.container.upper()}"
    message.container = subtitles_pb2.MediaContainer.Value(name)
    return message


def localize_from_proto(message: localize_pb2.LocalizeVideoSpec) -> LocalizeVideoSpec:
    """Write a localized video, without any key."""
    return LocalizeVideoSpec.model_validate(_with_words(translation_fields(message), _to_word))


def _fields(message: Message) -> dict[str, Any]:  # Any: a JSON document
    fields: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return fields


def _to_enum(prefix: str, word: str) -> str:
    return f"{prefix}{word.upper()}"


def _to_word(prefix: str, name: object) -> str:
    word = str(name).removeprefix(prefix).lower()
    known = {*SubtitleFormatWord, *MediaContainerWord}
    return word if word in known else "unspecified"


def _with_words(value: Any, change: Callable[[str, str], str]) -> Any:  # Any: JSON
    """Change the words of enums, wherever they lie."""
    if isinstance(value, list):
        return [_with_words(each, change) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: change(_ENUM_PREFIXES[key], each)
        if key in _ENUM_PREFIXES
        else _with_words(each, change)
        for key, each in value.items()
    }
