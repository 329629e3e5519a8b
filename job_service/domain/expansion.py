"""The steps that follow from what an extract step has found: a pure function.

For every language: a `translate_segments` step a chunk, an `adapt_tone` step
after each if a tone is asked for, and one `reconstruct` step that needs them
all. Settings: source_language, target_language, engine, max_tokens, glossary, and for
`reconstruct` also format, source, twins, record_rules, output_prefix. The
parts they need are named in `parts`: segments, translations, original.
"""

from collections.abc import Collection
from dataclasses import dataclass

from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.job import Failure, Job, Progress, Step
from job_service.domain.plan_documents import EXTRACT, PASSES_ON, record_rules_of
from job_service.domain.plan_localize import EXTRACT_SUBTITLES, plan_videos
from job_service.domain.plan_media import SEGMENT_MAKERS
from job_service.domain.planned import (
    PlannedStep,
    StepTimeouts,
    check_dependencies,
    grown,
)
from job_service.domain.spec import (
    TranslateDocument,
    TranslateRecords,
    TranslateText,
    TranslateUrl,
    Translation,
)
from job_service.domain.step_inputs import (
    GLOSSARY,
    PARTS,
    SOURCE,
    PartName,
    part_form,
    part_inputs,
)
from job_service.domain.subtitles import LocalizeVideo

TRANSLATE, ADAPT_TONE, RECONSTRUCT = "translate_segments", "adapt_tone", "reconstruct"

PART_MAKERS = frozenset({EXTRACT, TRANSLATE, ADAPT_TONE, EXTRACT_SUBTITLES}) | SEGMENT_MAKERS
"""The kinds of steps whose outputs are for later steps, not for the client's targets."""

_USUAL_CHUNK_CHARACTERS = 50_000
_USUAL_DOCUMENT_CHARACTERS = 5_000_000
_TONE_WEIGHT = 0.5
_RECONSTRUCT_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of segments: the output that holds it, and how much is in it."""

    filename: str
    characters: int
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What an extract step has found. `original_filename` names a fetched document's output."""

    format: str
    source_language: str
    language_confidence: float
    chunks: tuple[Chunk, ...]
    original_filename: str = ""


def check_extraction(found: Extraction, step: Step, filenames: Collection[str]) -> None:
    """Make sure that later steps can be planned from it. Raises InvalidRequest.

    `filenames` are those of the step's outputs.
    """
    most = int(str(step.settings["max_chunks"]))
    wrong = []
    if len(found.chunks) > most:
        wrong.append(Violation("extraction.chunks", f"There are more than {most}."))
    names = [chunk.filename for chunk in found.chunks]
    if len(set(names)) != len(names) or not set(names) <= set(filenames):
        wrong.append(Violation("extraction.chunks", "Each must name an output of its own."))
    if "url" in step.settings and found.original_filename not in filenames:
        wrong.append(Violation("extraction.original_filename", "It must name an output."))
    if wrong:
        raise InvalidRequest(*wrong)


def expand(
    job: Job, step: Step, found: Extraction, timeouts: StepTimeouts
) -> tuple[PlannedStep, ...]:
    """Plan the steps after an extract step that has completed.

    A language that cannot be served gets one step that has failed already, so
    that the others go on.
    """
    spec = job.spec
    if not isinstance(spec, Translation):
        raise TypeError(spec)
    planner = _Planner(spec, step, found, timeouts)
    planned = tuple(one for language in spec.target_languages for one in planner.steps_of(language))
    if isinstance(spec, LocalizeVideo):
        planned += planner.videos(spec)
    check_dependencies(planned, [known.name for known in job.steps])
    return planned


class _Planner:
    """Plans language by language; the chunks and the document are the same for all."""

    def __init__(
        self, spec: Translation, step: Step, found: Extraction, timeouts: StepTimeouts
    ) -> None:
        self._spec = spec
        self._step = step
        self._found = found
        self._timeouts = timeouts
        self._characters = sum(chunk.characters for chunk in found.chunks)

    def steps_of(self, language: str) -> list[PlannedStep]:
        refusal = self._refusal(language)
        if refusal is not None:
            return [self._reconstruct(language, (), refusal)]
        steps: list[PlannedStep] = []
        last: list[str] = []
        for number, chunk in enumerate(self._found.chunks, start=1):
            translate = self._translate(language, number, chunk)
            steps.append(translate)
            last.append(translate.name)
            if self._spec.options.tone is not None:
                tone = self._adapt_tone(language, number, chunk, translate.name)
                steps.append(tone)
                last[-1] = tone.name
        steps.append(self._reconstruct(language, last))
        return steps

    def videos(self, spec: LocalizeVideo) -> tuple[PlannedStep, ...]:
        """Plan what awaits the languages."""
        rebuilt_by = {language: _rebuilding(language) for language in spec.target_languages}
        language = self._found.source_language
        return plan_videos(spec, language, self._characters, rebuilt_by, self._timeouts)

    def _refusal(self, language: str) -> Failure | None:
        source = self._found.source_language
        if source.casefold() == language.casefold():
            return Failure(
                "UNSUPPORTED_LANGUAGE_PAIR",
                "The text is in the target language already.",
                metadata={"source_language": source, "target_language": language},
            )
        most = self._spec.options.budget.max_characters
        wanted = self._characters * len(self._spec.target_languages)
        if most and wanted > most:
            return Failure(
                "BUDGET_EXCEEDED",
                "The job has more characters to translate than its budget allows.",
                metadata={"characters": str(wanted), "max_characters": str(most)},
            )
        return None

    def _translate(self, language: str, number: int, chunk: Chunk) -> PlannedStep:
        return PlannedStep(
            name=f"translate[{language},{number}]",
            kind=TRANSLATE,
            target_key=language,
            settings=self._settings(
                language, chunk, {"segments": [PartName(EXTRACT, chunk.filename)]}
            ),
            timeout=grown(self._timeouts.translate, chunk.characters, _USUAL_CHUNK_CHARACTERS),
            progress=Progress(unit="CHARACTERS", done=0.0, total=float(chunk.characters)),
            depends_on=(EXTRACT,),
            weight=float(max(chunk.characters, 1)),
        )

    def _adapt_tone(
        self, language: str, number: int, chunk: Chunk, translated_by: str
    ) -> PlannedStep:
        parts = {
            "segments": [PartName(EXTRACT, chunk.filename)],
            "translations": [PartName(translated_by)],
        }
        return PlannedStep(
            name=f"tone[{language},{number}]",
            kind=ADAPT_TONE,
            target_key=language,
            settings=self._settings(language, chunk, parts),
            timeout=grown(self._timeouts.tone, chunk.characters, _USUAL_CHUNK_CHARACTERS),
            # Characters are counted where they are translated, once.
            progress=Progress(unit="STEPS", done=0.0, total=1.0),
            depends_on=(translated_by,),
            weight=max(chunk.characters, 1) * _TONE_WEIGHT,
        )

    def _reconstruct(
        self, language: str, last: Collection[str], failure: Failure | None = None
    ) -> PlannedStep:
        parts = {
            "segments": [PartName(EXTRACT, chunk.filename) for chunk in self._found.chunks],
            "translations": [PartName(name) for name in last],
        }
        settings: dict[str, object] = {
            "format": self._found.format,
            "source_language": self._found.source_language,
            "target_language": language,
            **self._glossary(),
        }
        if SOURCE in self._step.settings:
            settings[SOURCE] = self._step.settings[SOURCE]
        else:
            fetched = (PartName(EXTRACT, self._found.original_filename),)
            parts["original"] = list(part_inputs(self._step).get(SOURCE, fetched))
        if isinstance(self._spec, TranslateDocument | TranslateUrl):
            twins = self._spec.twins
            settings["twins"] = {"bilingual": twins.bilingual, "xliff": twins.xliff}
        rules = record_rules_of(self._spec)
        if rules is not None:
            settings["record_rules"] = rules
        if isinstance(self._spec, TranslateRecords):
            settings["output_prefix"] = self._spec.output_prefix
        if failure is None:
            settings[PARTS] = part_form(parts)
        return PlannedStep(
            name=_rebuilding(language),
            kind=RECONSTRUCT,
            target_key=language,
            settings=settings,
            timeout=grown(self._timeouts.reconstruct, self._characters, _USUAL_DOCUMENT_CHARACTERS),
            progress=Progress(unit="STEPS", done=0.0, total=1.0),
            depends_on=(EXTRACT, *last),
            weight=max(self._characters, 1) * _RECONSTRUCT_WEIGHT,
            failure=failure,
        )

    def _settings(
        self, language: str, chunk: Chunk, parts: dict[str, list[PartName]]
    ) -> dict[str, object]:
        settings: dict[str, object] = {
            "source_language": self._found.source_language,
            "target_language": language,
            PARTS: part_form(parts),
            **self._glossary(),
        }
        if isinstance(self._spec, TranslateText) and self._spec.engine:
            settings["engine"] = self._spec.engine
        tokens = self._share_of_tokens(chunk)
        if tokens:
            settings["max_tokens"] = tokens
        return settings

    def _share_of_tokens(self, chunk: Chunk) -> int:
        """Give the chunk's part of the budget, by its length; 0 is no limit."""
        most = self._spec.options.budget.max_tokens
        if not most:
            return 0
        passes = len(self._spec.target_languages) * (1 if self._spec.options.tone is None else 2)
        return max(int(most * chunk.characters / (max(self._characters, 1) * passes)), 1)

    def _glossary(self) -> dict[str, object]:
        passed_on = self._step.settings.get(PASSES_ON)
        if not isinstance(passed_on, dict) or GLOSSARY not in passed_on:
            return {}
        return {GLOSSARY: passed_on[GLOSSARY]}


def _rebuilding(language: str) -> str:
    """Name the step that makes a language's document."""
    return f"reconstruct[{language}]"
