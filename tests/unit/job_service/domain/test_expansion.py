"""From an extraction to the steps after it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from job_service.domain.errors import InvalidRequest
from job_service.domain.expansion import Chunk, Extraction, check_extraction, expand
from job_service.domain.job import Job, StepState
from job_service.domain.opening import new_steps
from job_service.domain.plan import plan
from job_service.domain.plan_documents import most_chunks
from job_service.domain.planned import MOST_STEPS, PlannedStep, Source, StepTimeouts
from job_service.domain.spec import (
    Document,
    TranslateDocument,
    TranslateRecords,
    TranslateText,
    TranslateUrl,
    Translation,
)
from job_service.domain.step_inputs import PartName, part_inputs
from job_service.domain.translation import Budget, DocumentTwins, Tone, TranslationOptions
from tests.unit.job_service.domain.jobs_to_test import NOON, a_job_of

GLOSSARY = uuid4()


def _document(*languages: str, **options: object) -> TranslateDocument:
    return TranslateDocument(
        artifact_id=uuid4(),
        source_language="",
        target_languages=languages or ("pt",),
        options=TranslationOptions(**options),  # type: ignore[arg-type] # the test's own options
        twins=DocumentTwins(xliff=True),
    )


def _found(*characters: int, language: str = "en", original: str = "") -> Extraction:
    return Extraction(
        format="docx",
        source_language=language,
        language_confidence=0.9,
        chunks=tuple(Chunk(f"c{n}", length, 1) for n, length in enumerate(characters, start=1)),
        original_filename=original,
    )


def _job(spec: Translation) -> Job:
    source = Source(getattr(spec, "artifact_id", None) or uuid4(), 100, glossary_id=GLOSSARY)
    planned = plan(spec, source)
    assert [step.name for step in planned.steps] == ["extract"]
    assert planned.steps[0].settings.get("engine", "") == getattr(spec, "engine", "")
    job = a_job_of(planned)
    return Job(
        **{
            **{name: getattr(job, name) for name in job.__dataclass_fields__},
            "spec": spec,
        }
    )


def _expanded(
    spec: Translation, found: Extraction, timeouts: StepTimeouts | None = None
) -> dict[str, PlannedStep]:
    job = _job(spec)
    steps = expand(job, job.steps[0], found, timeouts or StepTimeouts())
    return {step.name: step for step in steps}


def test_each_language_gets_a_step_a_chunk_and_one_that_needs_them_all() -> None:
    steps = _expanded(_document("pt", "es"), _found(10, 20))
    assert list(steps) == [
        "translate[pt,1]",
        "translate[pt,2]",
        "reconstruct[pt]",
        "translate[es,1]",
        "translate[es,2]",
        "reconstruct[es]",
    ]
    assert steps["translate[es,2]"].depends_on == ("extract",)
    assert steps["translate[es,2]"].progress.total == 20
    last = steps["reconstruct[es]"]
    assert last.depends_on == ("extract", "translate[es,1]", "translate[es,2]")
    assert {step.target_key for step in steps.values()} == {"pt", "es"}


def test_engine_of_a_text_is_handed_on_when_the_text_is_cut_in_chunks() -> None:
    spec = TranslateText("en", ("es",), artifact_id=uuid4(), engine="apertium")
    steps = _expanded(spec, _found(10, 20))
    assert steps["translate[es,1]"].settings["engine"] == "apertium"
    assert "engine" not in steps["reconstruct[es]"].settings


def test_parts_are_named_by_the_steps_that_make_them() -> None:
    steps = _expanded(_document("pt", tone=Tone.FORMAL), _found(10, 20))
    made = new_steps(steps.values(), uuid4(), NOON, uuid4)
    by_name = {step.name: part_inputs(step) for step in made}
    assert by_name["translate[pt,2]"] == {"segments": (PartName("extract", "c2"),)}
    assert by_name["tone[pt,2]"] == {
        "segments": (PartName("extract", "c2"),),
        "translations": (PartName("translate[pt,2]"),),
    }
    assert by_name["reconstruct[pt]"] == {
        "segments": (PartName("extract", "c1"), PartName("extract", "c2")),
        "translations": (PartName("tone[pt,1]"), PartName("tone[pt,2]")),
    }


def test_glossary_and_twins_are_handed_to_those_that_need_them() -> None:
    steps = _expanded(_document("pt", tone=Tone.FORMAL), _found(10))
    assert all(step.settings["glossary"] == str(GLOSSARY) for step in steps.values())
    assert steps["reconstruct[pt]"].settings["twins"] == {"bilingual": False, "xliff": True}


def test_fetched_original_is_named_when_the_source_was_an_address() -> None:
    spec = TranslateUrl(url="https://a.example/", source_language="", target_languages=("pt",))
    steps = _expanded(spec, _found(10, original="page.html"))
    (last,) = new_steps([steps["reconstruct[pt]"]], uuid4(), NOON, uuid4)
    assert part_inputs(last)["original"] == (PartName("extract", "page.html"),)
    assert "source" not in last.settings


def test_records_keep_their_rules_to_the_end() -> None:
    spec = TranslateRecords(
        records="[]",
        target_fields=("a.*.b",),
        source_language="en",
        target_languages=("pt",),
        code_filter=True,
        output_prefix="x/",
    )
    last = _expanded(spec, _found(10))["reconstruct[pt]"].settings
    assert last["record_rules"] == {"target_fields": ["a.*.b"], "code_filter": True}
    assert last["output_prefix"] == "x/"


def test_document_without_text_is_only_put_back() -> None:
    steps = _expanded(_document(), _found())
    assert list(steps) == ["reconstruct[pt]"]
    assert steps["reconstruct[pt]"].failure is None


@pytest.mark.parametrize(
    ("spec", "found", "reasons"),
    [
        (_document("pt", "es"), _found(9, language="ES"), {"es": "UNSUPPORTED_LANGUAGE_PAIR"}),
        (_document("pt", "pt-BR"), _found(9, language="pt"), {"pt": "UNSUPPORTED_LANGUAGE_PAIR"}),
        (
            _document("pt", "es", budget=Budget(max_characters=19)),
            _found(5, 5),
            {"pt": "BUDGET_EXCEEDED", "es": "BUDGET_EXCEEDED"},
        ),
        (_document("pt", "es", budget=Budget(max_characters=20)), _found(5, 5), {}),
    ],
)
def test_language_fails_alone_when_it_cannot_be_served(
    spec: Document, found: Extraction, reasons: dict[str, str]
) -> None:
    steps = _expanded(spec, found)
    failed = {step.target_key: step.failure.reason for step in steps.values() if step.failure}
    assert failed == reasons
    made = new_steps(steps.values(), uuid4(), NOON, uuid4)
    assert {step.target_key for step in made if step.state is StepState.FAILED} == set(reasons)
    for language in reasons:
        assert [step.name for step in made if step.target_key == language] == [
            f"reconstruct[{language}]"
        ]


def test_tokens_are_shared_out_by_length_and_never_exceed_the_budget() -> None:
    spec = _document("pt", "es", tone=Tone.FORMAL, budget=Budget(max_tokens=1000))
    steps = _expanded(spec, _found(300, 100))
    shares = [
        int(str(step.settings["max_tokens"]))
        for step in steps.values()
        if "max_tokens" in step.settings
    ]
    assert len(shares) == 8
    assert sum(shares) <= 1000
    assert steps["translate[pt,1]"].settings["max_tokens"] == 187


@pytest.mark.parametrize("languages", [1, 2, 31, 32])
@pytest.mark.parametrize("tone", [None, Tone.FORMAL])
def test_job_never_has_more_steps_than_it_may(languages: int, tone: Tone | None) -> None:
    spec = _document(*(f"a{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(languages)))
    spec = TranslateDocument(
        artifact_id=spec.artifact_id,
        source_language="en",
        target_languages=spec.target_languages,
        options=TranslationOptions(tone=tone),
    )
    most = most_chunks(spec)
    assert most >= 1
    steps = _expanded(spec, _found(*[1] * most))
    assert len(steps) + 1 <= MOST_STEPS
    assert len(steps) + 1 > MOST_STEPS - languages * 2


def test_time_grows_with_the_chunk_and_the_document() -> None:
    timeouts = StepTimeouts(translate=timedelta(seconds=7), reconstruct=timedelta(seconds=9))
    steps = _expanded(_document(), _found(50_000, 9_950_000), timeouts)
    assert steps["translate[pt,1]"].timeout == timedelta(seconds=7)
    assert steps["translate[pt,2]"].timeout == timedelta(seconds=7) * 199
    assert steps["reconstruct[pt]"].timeout == timedelta(seconds=18)


@pytest.mark.parametrize(
    ("found", "filenames", "field"),
    [
        (_found(1, 1), ["c1"], "extraction.chunks"),
        (_found(*[1] * 2000), [f"c{n}" for n in range(1, 2001)], "extraction.chunks"),
    ],
)
def test_extraction_is_refused_when_it_names_what_is_not_there(
    found: Extraction, filenames: list[str], field: str
) -> None:
    step = _job(_document()).steps[0]
    with pytest.raises(InvalidRequest) as caught:
        check_extraction(found, step, filenames)
    assert [violation.field for violation in caught.value.violations] == [field]
