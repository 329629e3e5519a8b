"""The first step of a document's job: it finds the format, the language and the chunks.

Settings of an `extract` step: source (or url), format, source_language,
target_languages, max_chunks, max_characters, engine, record_rules, and `passes_on`:
what the steps after it are given and it does not need itself.
"""

from job_service.domain.job import Progress
from job_service.domain.planned import MOST_STEPS, Plan, PlannedStep, Source, StepTimeouts, grown
from job_service.domain.spec import (
    TranslateRecords,
    TranslateText,
    TranslateUrl,
    Translation,
)
from job_service.domain.step_inputs import GLOSSARY, SOURCE
from job_service.domain.subtitles import LocalizeVideo

EXTRACT = "extract"
PASSES_ON = "passes_on"

_USUAL_DOCUMENT_BYTES = 20_000_000
# What a localized video has besides: its subtitles are found, muxed, and burned in.
_STEPS_AROUND_A_TRANSLATION = 3


def plan_extract(spec: Translation, source: Source, timeouts: StepTimeouts) -> Plan:
    """Plan the one step that all others follow from."""
    settings = extract_settings(spec)
    if isinstance(spec, TranslateUrl):
        settings["url"] = spec.url
    else:
        settings[SOURCE] = str(source.artifact_id)
    if source.glossary_id is not None:
        settings[PASSES_ON] = {GLOSSARY: str(source.glossary_id)}
    step = PlannedStep(
        name=EXTRACT,
        kind=EXTRACT,
        settings=settings,
        timeout=grown(timeouts.extract, source.size_bytes, _USUAL_DOCUMENT_BYTES),
        weight=0.0,
        progress=Progress(unit="UNSPECIFIED", done=0.0, total=0.0),
    )
    return Plan((step,), spec.target_languages)


def extract_settings(spec: Translation) -> dict[str, object]:
    """Write what the step is told besides where the document is."""
    settings: dict[str, object] = {
        "format": format_of(spec),
        "source_language": spec.source_language,
        "target_languages": list(spec.target_languages),
        "max_chunks": most_chunks(spec),
    }
    if spec.options.budget.max_characters:
        settings["max_characters"] = spec.options.budget.max_characters
    if isinstance(spec, TranslateText) and spec.engine:
        settings["engine"] = spec.engine
    rules = record_rules_of(spec)
    if rules is not None:
        settings["record_rules"] = rules
    return settings


def format_of(spec: Translation) -> str:
    """Return the format that is known before the document is looked at; empty if none is."""
    if isinstance(spec, TranslateText):
        return "txt"
    if isinstance(spec, TranslateRecords):
        return "json"
    return "" if isinstance(spec, LocalizeVideo) else spec.format


def record_rules_of(spec: Translation) -> dict[str, object] | None:
    """Return which fields of records are text, if the document is records."""
    if not isinstance(spec, TranslateRecords):
        return None
    return {"target_fields": list(spec.target_fields), "code_filter": spec.code_filter}


def most_chunks(spec: Translation) -> int:
    """Say how many chunks leave room for all steps: each is a step or two of every language."""
    languages = len(spec.target_languages)
    steps_a_chunk = languages * (1 if spec.options.tone is None else 2)
    others = 1 + (_STEPS_AROUND_A_TRANSLATION if isinstance(spec, LocalizeVideo) else 0)
    return (MOST_STEPS - others - languages) // steps_a_chunk
