"""What a client can ask for about subtitles: work on them alone, or a localized video.

How each lies in JSON is written here once: in a job's stored spec, in a step's
settings and in what a request hashes to it is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from job_service.domain.translation import TranslationOptions

# Any: what JSON holds, read by whoever wrote it.
Form = Mapping[str, Any]


class SubtitleFormat(StrEnum):
    """A file format of text subtitles."""

    SRT = "SRT"
    VTT = "VTT"
    ASS = "ASS"


class MediaContainer(StrEnum):
    """A file format of video with subtitles in it."""

    MP4 = "MP4"
    MKV = "MKV"
    WEBM = "WEBM"


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """A subtitle track by its language or, where that is empty, by its index."""

    language: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleFile:
    """A subtitle file that is to become a track; an empty charset is told by the bytes."""

    artifact_id: UUID
    language: str
    title: str = ""
    charset: str = ""
    is_default: bool = False
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class ExtractSubtitles:
    """Text tracks out of a media file: one, or all of them."""

    track: TrackChoice | None = None
    format: SubtitleFormat | None = None


@dataclass(frozen=True, slots=True)
class ConvertSubtitles:
    """A subtitle file into another format."""

    format: SubtitleFormat
    charset: str = ""


@dataclass(frozen=True, slots=True)
class MuxSubtitles:
    """Subtitle files into a media file, as tracks."""

    files: tuple[SubtitleFile, ...]
    container: MediaContainer | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class BurnInSubtitles:
    """Subtitles into the pictures: a file's, or those of a track."""

    source: SubtitleFile | TrackChoice


SubtitleOperation = ExtractSubtitles | ConvertSubtitles | MuxSubtitles | BurnInSubtitles


@dataclass(frozen=True, slots=True)
class ProcessSubtitles:
    """Work on the subtitles of a file."""

    artifact_id: UUID
    operation: SubtitleOperation

    kind = "process_subtitles"

    @property
    def artifact_ids(self) -> tuple[UUID, ...]:
        """The file, and then the subtitle files that come with it."""
        operation = self.operation
        files: tuple[SubtitleFile, ...] = ()
        if isinstance(operation, MuxSubtitles):
            files = operation.files
        elif isinstance(operation, BurnInSubtitles) and isinstance(operation.source, SubtitleFile):
            files = (operation.source,)
        return (self.artifact_id, *(file.artifact_id for file in files))


@dataclass(frozen=True, slots=True)
class SubtitleSource:
    """A subtitle file to translate."""

    artifact_id: UUID
    charset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizeVideo:
    """A video with its subtitles in other languages; the empty source language is found out."""

    artifact_id: UUID
    source_language: str
    target_languages: tuple[str, ...]
    subtitles: SubtitleSource | TrackChoice | None = None
    options: TranslationOptions = field(default_factory=TranslationOptions)
    container: MediaContainer | None = None
    replace: bool = False
    burn_in_language: str = ""

    kind = "localize_video"

    @property
    def artifact_ids(self) -> tuple[UUID, ...]:
        """The video, and then the subtitle file that comes with it."""
        if isinstance(self.subtitles, SubtitleSource):
            return (self.artifact_id, self.subtitles.artifact_id)
        return (self.artifact_id,)


def track_form(track: TrackChoice) -> dict[str, object]:
    """Write the choice of a track."""
    return {"language": track.language} if track.language else {"index": track.index}


def read_track(form: Form) -> TrackChoice:
    """Read the choice of a track."""
    return TrackChoice(**form)


def file_form(file: SubtitleFile) -> dict[str, object]:
    """Write a subtitle file."""
    return {
        "artifact_id": str(file.artifact_id),
        "language": file.language,
        "title": file.title,
        "charset": file.charset,
        "is_default": file.is_default,
        "is_forced": file.is_forced,
    }


def read_file(form: Form) -> SubtitleFile:
    """Read a subtitle file."""
    return SubtitleFile(**{**form, "artifact_id": UUID(form["artifact_id"])})


def operation_form(operation: SubtitleOperation) -> dict[str, object]:
    """Write an operation under its name; what was not asked for is left out."""
    match operation:
        case ExtractSubtitles(track, wanted):
            extract: dict[str, object] = {}
            if track is not None:
                extract["track"] = track_form(track)
            if wanted is not None:
                extract["format"] = wanted.value
            return {"extract": extract}
        case ConvertSubtitles(to, charset):
            return {"convert": {"format": to.value, "charset": charset}}
        case MuxSubtitles(files, container, replace):
            mux: dict[str, object] = {"files": [file_form(file) for file in files]}
            return {"mux": {**mux, **container_form(container, replace=replace)}}
        case BurnInSubtitles(source):
            if isinstance(source, SubtitleFile):
                return {"burn_in": {"file": file_form(source)}}
            return {"burn_in": {"track": track_form(source)}}


def read_operation(form: Form) -> SubtitleOperation:
    """Read an operation."""
    ((name, body),) = form.items()
    match name:
        case "extract":
            return ExtractSubtitles(
                read_track(body["track"]) if "track" in body else None,
                SubtitleFormat(body["format"]) if "format" in body else None,
            )
        case "convert":
            return ConvertSubtitles(SubtitleFormat(body["format"]), body["charset"])
        case "mux":
            files = tuple(read_file(file) for file in body["files"])
            return MuxSubtitles(files, read_container(body), body["replace"])
        case "burn_in" if "file" in body:
            return BurnInSubtitles(read_file(body["file"]))
        case "burn_in":
            return BurnInSubtitles(read_track(body["track"]))
    raise ValueError(f"unknown operation: {name}")


def container_form(container: MediaContainer | None, *, replace: bool) -> dict[str, object]:
    """Write what a muxed file is to be."""
    form: dict[str, object] = {"replace": replace}
    return form if container is None else {**form, "container": container.value}


def read_container(form: Form) -> MediaContainer | None:
    """Read the container of a muxed file; None leaves the choice open."""
    return MediaContainer(form["container"]) if "container" in form else None


def localize_form(spec: LocalizeVideo) -> dict[str, object]:
    """Write what a localized video has besides languages and options."""
    form: dict[str, object] = {
        "artifact_id": str(spec.artifact_id),
        "burn_in_language": spec.burn_in_language,
        **container_form(spec.container, replace=spec.replace),
    }
    if isinstance(spec.subtitles, SubtitleSource):
        form["file"] = {
            "artifact_id": str(spec.subtitles.artifact_id),
            "charset": spec.subtitles.charset,
        }
    elif spec.subtitles is not None:
        form["track"] = track_form(spec.subtitles)
    return form


def read_localize(
    form: Form,
    source_language: str,
    target_languages: tuple[str, ...],
    options: TranslationOptions,
) -> LocalizeVideo:
    """Read a localized video."""
    subtitles: SubtitleSource | TrackChoice | None = None
    if "file" in form:
        file = form["file"]
        subtitles = SubtitleSource(UUID(file["artifact_id"]), file["charset"])
    elif "track" in form:
        subtitles = read_track(form["track"])
    return LocalizeVideo(
        artifact_id=UUID(form["artifact_id"]),
        source_language=source_language,
        target_languages=target_languages,
        subtitles=subtitles,
        options=options,
        container=read_container(form),
        replace=form["replace"],
        burn_in_language=form["burn_in_language"],
    )
