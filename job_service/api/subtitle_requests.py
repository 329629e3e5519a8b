"""From a client's wishes about subtitles to the domain's: work on them, and localized videos."""

import codecs
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from babelmill.media.v1 import localize_pb2, subtitles_pb2
from job_service.api import checks, spec_checks
from job_service.api.checks import Fault
from job_service.api.language_requests import languages
from job_service.api.option_requests import options
from job_service.api.validation import Violations
from job_service.domain.plan_localize import VIDEO_TARGET
from job_service.domain.subtitles import (
    BurnInSubtitles,
    ConvertSubtitles,
    ExtractSubtitles,
    LocalizeVideo,
    MediaContainer,
    MuxSubtitles,
    ProcessSubtitles,
    SubtitleFile,
    SubtitleFormat,
    SubtitleOperation,
    SubtitleSource,
    TrackChoice,
)

MAX_FILES = 32

_MAX_TITLE = 100
_MAX_CHARSET = 40
_MAX_TRACK_INDEX = 999
_NO_ID = UUID(int=0)
# Stands for a value that was found wrong; the request is refused before it is used.
_WRONG = ""


def process_subtitles(
    spec: subtitles_pb2.ProcessSubtitlesSpec, violations: Violations, path: str
) -> ProcessSubtitles:
    """Read what is to be done to the subtitles of a file."""
    return ProcessSubtitles(
        artifact_id=_artifact_id(spec.artifact_id, violations, path),
        operation=_operation(spec, violations, path),
    )


def localize_video(
    spec: localize_pb2.LocalizeVideoSpec, violations: Violations, path: str
) -> LocalizeVideo:
    """Read how a video is to be localized."""
    source_language, targets = languages(
        spec.source_language, spec.target_languages, violations, path
    )
    for index, tag in enumerate(targets):
        if tag == VIDEO_TARGET:
            violations.add(f"{path}.target_languages[{index}]", "It is no language.")
    subtitles: SubtitleSource | TrackChoice | None = None
    match spec.WhichOneof("subtitles"):
        case "file":
            subtitles = SubtitleSource(
                _artifact_id(spec.file.artifact_id, violations, f"{path}.file"),
                _charset(spec.file.charset, violations, f"{path}.file"),
            )
        case "track":
            subtitles = _track(spec.track, violations, f"{path}.track")
    return LocalizeVideo(
        artifact_id=_artifact_id(spec.artifact_id, violations, path),
        source_language=source_language,
        target_languages=targets,
        subtitles=subtitles,
        options=options(spec.options, violations, f"{path}.options"),
        container=_container(spec.container),
        replace=spec.replace,
        burn_in_language=_burn_in_language(spec.burn_in_language, targets, violations, path),
    )


def _operation(
    spec: subtitles_pb2.ProcessSubtitlesSpec, violations: Violations, path: str
) -> SubtitleOperation:
    name = spec.WhichOneof("operation")
    here = f"{path}.{name}"
    match name:
        case "extract":
            given = spec.extract
            track = (
                _track(given.track, violations, f"{here}.track")
                if given.HasField("track")
                else None
            )
            return ExtractSubtitles(track, _format(given.format))
        case "convert":
            wanted = _format(spec.convert.format)
            if wanted is None:
                violations.add(f"{here}.format", "It is required.", "REQUIRED")
            charset = _charset(spec.convert.charset, violations, here)
            return ConvertSubtitles(wanted or SubtitleFormat.SRT, charset)
        case "mux":
            return _mux(spec.mux, violations, here)
        case "burn_in":
            return _burn_in(spec.burn_in, violations, here)
        case _:
            violations.add(path, "Exactly one operation must be set.", "REQUIRED")
            return ExtractSubtitles()


def _mux(given: subtitles_pb2.MuxSubtitles, violations: Violations, path: str) -> MuxSubtitles:
    if not 1 <= len(given.files) <= MAX_FILES:
        violations.add(
            f"{path}.files", f"There are {len(given.files)}; from 1 to {MAX_FILES} are allowed."
        )
    return MuxSubtitles(
        files=tuple(
            _file(file, violations, f"{path}.files[{index}]")
            for index, file in enumerate(given.files[:MAX_FILES])
        ),
        container=_container(given.container),
        replace=given.replace,
    )


def _burn_in(
    given: subtitles_pb2.BurnInSubtitles, violations: Violations, path: str
) -> BurnInSubtitles:
    match given.WhichOneof("source"):
        case "file":
            file = given.file
            return BurnInSubtitles(
                SubtitleFile(
                    artifact_id=_artifact_id(file.artifact_id, violations, f"{path}.file"),
                    # Nobody reads a language off pictures.
                    language=_language(file.language or "und", violations, f"{path}.file"),
                    charset=_charset(file.charset, violations, f"{path}.file"),
                )
            )
        case "track":
            return BurnInSubtitles(_track(given.track, violations, f"{path}.track"))
        case _:
            violations.add(path, "Set file or track.", "REQUIRED")
            return BurnInSubtitles(TrackChoice())


def _file(given: subtitles_pb2.SubtitleFile, violations: Violations, path: str) -> SubtitleFile:
    return SubtitleFile(
        artifact_id=_artifact_id(given.artifact_id, violations, path),
        language=_language(given.language, violations, path),
        title=violations.check(
            f"{path}.title", lambda: spec_checks.label(given.title, longest=_MAX_TITLE), _WRONG
        ),
        charset=_charset(given.charset, violations, path),
        is_default=given.is_default,
        is_forced=given.is_forced,
    )


def _track(given: subtitles_pb2.TrackChoice, violations: Violations, path: str) -> TrackChoice:
    match given.WhichOneof("by"):
        case "language":
            return TrackChoice(language=_language(given.language, violations, path))
        case "index":
            if not 0 <= given.index <= _MAX_TRACK_INDEX:
                violations.add(f"{path}.index", f"It must be from 0 to {_MAX_TRACK_INDEX}.")
            return TrackChoice(index=given.index)
        case _:
            violations.add(path, "Set language or index.", "REQUIRED")
            return TrackChoice()


def _burn_in_language(given: str, targets: Sequence[str], violations: Violations, path: str) -> str:
    if not given:
        return ""
    here = f"{path}.burn_in_language"
    tag = violations.check(here, partial(checks.language_tag, given), _WRONG)
    if tag and tag not in targets:
        violations.add(here, "It is none of the target languages.")
    return tag


def _language(given: str, violations: Violations, path: str) -> str:
    return violations.check(f"{path}.language", partial(checks.language_tag, given), _WRONG)


def _charset(given: str, violations: Violations, path: str) -> str:
    def check() -> str:
        if not given:
            return ""
        try:
            found = codecs.lookup(given) if len(given) <= _MAX_CHARSET else None
        except (LookupError, ValueError):
            found = None
        # Some codecs, such as zip, are for bytes alone.
        if found is None or not found._is_text_encoding:
            raise Fault("No charset is called so.", "UNKNOWN_CHARSET")
        return found.name

    return violations.check(f"{path}.charset", check, _WRONG)


def _artifact_id(text: str, violations: Violations, path: str) -> UUID:
    return violations.check(f"{path}.artifact_id", lambda: checks.uuid_of(text), _NO_ID)


def _format(given: subtitles_pb2.SubtitleFormat.ValueType) -> SubtitleFormat | None:
    name = subtitles_pb2.SubtitleFormat.Name(given).removeprefix("SUBTITLE_FORMAT_")
    return SubtitleFormat(name) if given else None


def _container(given: subtitles_pb2.MediaContainer.ValueType) -> MediaContainer | None:
    name = subtitles_pb2.MediaContainer.Name(given).removeprefix("MEDIA_CONTAINER_")
    return MediaContainer(name) if given else None
