"""The steps of work on subtitles, and those that a localized video has around its translation.

`extract_subtitles` finds the subtitles of a video; after it comes `extract`, whose own end adds
the languages (see `expansion`), `mux_tracks` with the languages that have succeeded once all have
ended, and `burn_in_subtitles` for one of them.

Settings, besides source and parts: files (their artifacts' ids), and
`process_subtitles`: operation
`extract_subtitles`: source_language, track or charset, and `passes_on` as an extract step
`mux_tracks`:        tracks (of files) or languages (of parts), source_language, container, replace
`burn_in_subtitles`: track, or file, or language (of a part)
"""

from collections.abc import Collection
from dataclasses import dataclass

from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.job import Job, Progress, Step
from job_service.domain.plan_documents import EXTRACT, PASSES_ON, extract_settings
from job_service.domain.planned import Plan, PlannedStep, Source, StepTimeouts
from job_service.domain.step_inputs import FILES, GLOSSARY, PARTS, SOURCE, PartName, part_form
from job_service.domain.subtitles import (
    BurnInSubtitles,
    LocalizeVideo,
    MuxSubtitles,
    ProcessSubtitles,
    SubtitleFile,
    SubtitleSource,
    container_form,
    file_form,
    operation_form,
    track_form,
)

PROCESS_SUBTITLES = "process_subtitles"
EXTRACT_SUBTITLES = "extract_subtitles"
MUX_TRACKS = "mux_tracks"
BURN_IN_SUBTITLES = "burn_in_subtitles"

SUBTITLES_TARGET, VIDEO_TARGET, BURNED_IN_TARGET = "subtitles", "video", "burned_in"

ORIGINAL, TRACKS = "original", "tracks"
"""What parts are for: the subtitles that were translated, and each language's."""

_MUX_WEIGHT = 0.1
_BURN_IN_WEIGHT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSubtitles:
    """What an extract_subtitles step has found; the language is empty if nobody has said."""

    filename: str
    format: str
    language: str
    cues: int


def plan_process_subtitles(spec: ProcessSubtitles, source: Source, timeouts: StepTimeouts) -> Plan:
    """Plan work on subtitles alone: one step."""
    operation = spec.operation
    settings: dict[str, object] = {SOURCE: str(source.artifact_id)}
    kind, target = PROCESS_SUBTITLES, SUBTITLES_TARGET
    if isinstance(operation, MuxSubtitles):
        kind, target = MUX_TRACKS, VIDEO_TARGET
        settings |= container_form(operation.container, replace=operation.replace)
        settings |= {
            FILES: [str(file.artifact_id) for file in operation.files],
            "tracks": [file_form(file) for file in operation.files],
        }
    elif isinstance(operation, BurnInSubtitles):
        kind, target = BURN_IN_SUBTITLES, VIDEO_TARGET
        if isinstance(operation.source, SubtitleFile):
            settings[FILES] = [str(operation.source.artifact_id)]
            settings["file"] = file_form(operation.source)
        else:
            settings["track"] = track_form(operation.source)
    else:
        settings["operation"] = operation_form(operation)
    unit = "MEDIA_SECONDS" if isinstance(operation, BurnInSubtitles) else "STEPS"
    step = PlannedStep(
        name=kind,
        kind=kind,
        target_key=target,
        settings=settings,
        timeout=timeouts.transcode,
        progress=Progress(unit=unit, done=0.0, total=0.0 if unit == "MEDIA_SECONDS" else 1.0),
    )
    return Plan((step,), (target,))


def plan_localize(spec: LocalizeVideo, source: Source, timeouts: StepTimeouts) -> Plan:
    """Plan the step that all others of a localized video follow from."""
    settings: dict[str, object] = {
        SOURCE: str(source.artifact_id),
        "source_language": spec.source_language,
    }
    if isinstance(spec.subtitles, SubtitleSource):
        settings[FILES] = [str(spec.subtitles.artifact_id)]
        settings["charset"] = spec.subtitles.charset
    elif spec.subtitles is not None:
        settings["track"] = track_form(spec.subtitles)
    if source.glossary_id is not None:
        settings[PASSES_ON] = {GLOSSARY: str(source.glossary_id)}
    step = PlannedStep(
        name=EXTRACT_SUBTITLES,
        kind=EXTRACT_SUBTITLES,
        settings=settings,
        timeout=timeouts.transcode,
        weight=0.0,
        progress=Progress(unit="UNSPECIFIED", done=0.0, total=0.0),
    )
    burned_in = (BURNED_IN_TARGET,) if spec.burn_in_language else ()
    return Plan((step,), (*spec.target_languages, VIDEO_TARGET, *burned_in))


def check_found_subtitles(found: FoundSubtitles, filenames: Collection[str]) -> None:
    """Make sure that later steps can be planned from it. Raises InvalidRequest."""
    wrong = []
    if found.filename not in filenames:
        wrong.append(Violation("found_subtitles.filename", "It must name an output."))
    if not found.format:
        wrong.append(Violation("found_subtitles.format", "must be set", "REQUIRED"))
    if wrong:
        raise InvalidRequest(*wrong)


def plan_translation(
    job: Job, step: Step, found: FoundSubtitles, timeouts: StepTimeouts
) -> tuple[PlannedStep, ...]:
    """Plan the extract step that cuts the subtitles into chunks."""
    spec = _localized(job)
    settings: dict[str, object] = {
        **extract_settings(spec),
        "format": found.format,
        "source_language": spec.source_language or found.language,
        PARTS: part_form({"source": [PartName(EXTRACT_SUBTITLES, found.filename)]}),
    }
    if PASSES_ON in step.settings:
        settings[PASSES_ON] = step.settings[PASSES_ON]
    return (
        PlannedStep(
            name=EXTRACT,
            kind=EXTRACT,
            settings=settings,
            timeout=timeouts.extract,
            depends_on=(EXTRACT_SUBTITLES,),
            weight=0.0,
            progress=Progress(unit="UNSPECIFIED", done=0.0, total=0.0),
        ),
    )


def plan_videos(
    spec: LocalizeVideo,
    source_language: str,
    characters: int,
    rebuilt_by: dict[str, str],
    timeouts: StepTimeouts,
) -> tuple[PlannedStep, ...]:
    """Plan what comes after the languages; `rebuilt_by` names the step that makes each."""
    parts = {TRACKS: [PartName(name) for name in rebuilt_by.values()]}
    settings: dict[str, object] = {
        SOURCE: str(spec.artifact_id),
        "languages": list(rebuilt_by),
        **container_form(spec.container, replace=spec.replace),
    }
    if isinstance(spec.subtitles, SubtitleSource):
        parts[ORIGINAL] = [PartName(EXTRACT_SUBTITLES)]
        settings["source_language"] = source_language
    mux = PlannedStep(
        name=MUX_TRACKS,
        kind=MUX_TRACKS,
        target_key=VIDEO_TARGET,
        settings={**settings, PARTS: part_form(parts)},
        timeout=timeouts.transcode,
        progress=Progress(unit="STEPS", done=0.0, total=1.0),
        depends_on=(EXTRACT_SUBTITLES,),
        awaits=tuple(rebuilt_by.values()),
        weight=max(characters, 1) * _MUX_WEIGHT,
    )
    if not spec.burn_in_language:
        return (mux,)
    language = spec.burn_in_language
    burn_in = PlannedStep(
        name=f"burn_in[{language}]",
        kind=BURN_IN_SUBTITLES,
        target_key=BURNED_IN_TARGET,
        settings={
            SOURCE: str(spec.artifact_id),
            "language": language,
            PARTS: part_form({TRACKS: [PartName(rebuilt_by[language])]}),
        },
        timeout=timeouts.transcode,
        progress=Progress(unit="STEPS", done=0.0, total=1.0),
        depends_on=(rebuilt_by[language],),
        weight=max(characters, 1) * _BURN_IN_WEIGHT,
    )
    return (mux, burn_in)


def _localized(job: Job) -> LocalizeVideo:
    if not isinstance(job.spec, LocalizeVideo):
        raise TypeError(job.spec)
    return job.spec
