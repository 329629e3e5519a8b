"""From a spec to steps and targets: a pure function, one planner a kind.

A step's `settings` is a JSON object whose keys depend on the step's kind (see
`step_inputs` for those that name inputs):

`translate_text`: source, source_language, target_language, engine, max_tokens, glossary
`extract`:        see `plan_documents`; its end adds steps (see `expansion`)
Those of transcodes are in `plan_media`, those of subtitles and localized
videos in `plan_localize`.

An input that came within the spec becomes an artifact of its own before
planning, so that a worker finds every input in the same way.
"""

from job_service.domain.job import Progress
from job_service.domain.plan_documents import plan_extract
from job_service.domain.plan_localize import plan_localize, plan_process_subtitles
from job_service.domain.plan_media import plan_transcode
from job_service.domain.planned import (
    ImpossiblePlan,
    Plan,
    PlannedStep,
    Source,
    StepTimeouts,
    check_dependencies,
    grown,
)
from job_service.domain.segments import Segmenting
from job_service.domain.spec import (
    JobSpec,
    Transcode,
    TranslateText,
)
from job_service.domain.step_inputs import GLOSSARY, SOURCE
from job_service.domain.subtitles import LocalizeVideo, ProcessSubtitles

__all__ = [
    "ImpossiblePlan",
    "Plan",
    "PlannedStep",
    "Source",
    "StepTimeouts",
    "check_dependencies",
    "plan",
]

LONGEST_TEXT_IN_ONE_STEP_BYTES = 40_000
"""A longer text is cut into chunks, which several workers translate at once."""

_USUAL_TEXT_BYTES = 1_000_000


def plan(
    spec: JobSpec,
    source: Source,
    timeouts: StepTimeouts | None = None,
    *,
    extracts: bool = True,
    segmenting: Segmenting | None = None,
) -> Plan:
    """Plan a job. Without `extracts` there is no worker that cuts texts into chunks."""
    limits = timeouts or StepTimeouts()
    if isinstance(spec, Transcode):
        planned = plan_transcode(spec, source, limits, segmenting or Segmenting())
    elif isinstance(spec, ProcessSubtitles):
        planned = plan_process_subtitles(spec, source, limits)
    elif isinstance(spec, LocalizeVideo):
        planned = plan_localize(spec, source, limits)
    elif isinstance(spec, TranslateText) and _is_one_step(spec, source, extracts=extracts):
        planned = _plan_translate_text(spec, source, limits)
    else:
        planned = plan_extract(spec, source, limits)
    check_dependencies(planned.steps)
    return planned


def _is_one_step(spec: TranslateText, source: Source, *, extracts: bool) -> bool:
    if not spec.source_language or spec.options.tone is not None:
        return False
    is_short = spec.artifact_id is None and source.size_bytes <= LONGEST_TEXT_IN_ONE_STEP_BYTES
    return is_short or not extracts


def _plan_translate_text(spec: TranslateText, source: Source, timeouts: StepTimeouts) -> Plan:
    total = float(source.characters or 0)
    budget_tokens = spec.options.budget.max_tokens
    settings: dict[str, object] = {
        SOURCE: str(source.artifact_id),
        "source_language": spec.source_language,
        "engine": spec.engine,
    }
    if budget_tokens:
        settings["max_tokens"] = max(budget_tokens // len(spec.target_languages), 1)
    if source.glossary_id is not None:
        settings[GLOSSARY] = str(source.glossary_id)
    steps = tuple(
        PlannedStep(
            name=f"translate[{language}]",
            kind=TranslateText.kind,
            target_key=language,
            settings={**settings, "target_language": language},
            timeout=grown(timeouts.translate, source.size_bytes, _USUAL_TEXT_BYTES),
            weight=float(max(source.characters or source.size_bytes, 1)),
            progress=Progress(unit="CHARACTERS", done=0.0, total=total),
        )
        for language in spec.target_languages
    )
    return Plan(steps, spec.target_languages)
