"""Glossaries, and the terms that jobs are given of them, on a real database."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from job_service.api.work_messages import work
from job_service.application.limits import Limits
from job_service.application.submission import NewJob
from job_service.domain.errors import GlossaryNotFound, InvalidRequest, TooManyGlossaries
from job_service.domain.job import Job
from job_service.domain.spec import TranslateText
from job_service.domain.translation import GlossaryTerm, TranslationOptions
from tests.integration.core import HOPELESS, Core, open_core
from tests.integration.pipeline_core import PipelineCore

TERMS = (
    GlossaryTerm("mill", "moinho", "pt"),
    GlossaryTerm("mill", "molino", "es"),
    GlossaryTerm("Babelmill"),
)
GIVEN = GlossaryTerm("hello", "oi", case_sensitive=True)


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts", Limits(max_glossaries=2)) as opened:
        yield opened


def _submit(core: Core, options: TranslationOptions, *, source: str = "en") -> Job:
    spec = TranslateText(source, ("pt",), text="hello mill", options=options)
    return core.submission.create(core.tenant, NewJob(spec=spec)).job


def _terms(inline: bytes) -> list[tuple[str, str]]:
    return [(term["source"], term["target"]) for term in json.loads(inline)]


def test_worker_is_given_one_list_of_all_terms_of_its_languages(core: Core) -> None:
    kept = core.glossaries.create(core.tenant, "mills", "en", TERMS)
    options = TranslationOptions(glossary_ids=(kept.glossary_id,), glossary_terms=(GIVEN,))
    job = _submit(core, options)
    message = work(core.acquire(core.step(job))).translate_text.settings
    assert _terms(message.glossary.inline) == [
        ("hello", "oi"),
        ("mill", "moinho"),
        ("Babelmill", ""),
    ]
    assert not message.options.glossary_terms
    assert not message.options.glossary_ids
    assert core.job(job).spec.options == options  # type: ignore[union-attr] # a translation


def test_later_steps_are_given_the_terms_when_the_document_is_in_chunks(core: Core) -> None:
    pipeline = PipelineCore(core)
    job = _submit(core, TranslationOptions(glossary_terms=(GIVEN,)), source="")
    pipeline.extract(job, 10)
    granted = pipeline.acquire(job, "translate[pt,1]")
    message = work(granted).translate_segments
    assert _terms(message.settings.glossary.inline) == [("hello", "oi")]
    pipeline.complete(job, "translate[pt,1]", lease=granted.request)
    rebuilt = work(pipeline.acquire(job, "reconstruct[pt]")).reconstruct
    assert _terms(rebuilt.glossary.inline) == [("hello", "oi")]


def test_job_is_done_again_with_its_terms_when_its_glossary_is_gone(core: Core) -> None:
    kept = core.glossaries.create(core.tenant, "mills", "en", TERMS)
    job = _submit(core, TranslationOptions(glossary_ids=(kept.glossary_id,)))
    core.fail(core.start(job), HOPELESS)
    core.glossaries.delete(core.tenant, kept.glossary_id)
    again = core.retrying.retry(core.tenant, job.job_id).job
    message = work(core.acquire(core.step(again))).translate_text.settings
    assert _terms(message.glossary.inline)[0] == ("mill", "moinho")


def test_job_is_refused_when_its_glossary_is_not_the_tenants(core: Core) -> None:
    other = core.tokens.create_tenant("other")
    theirs = core.glossaries.create(other, "theirs", "en", TERMS)
    with pytest.raises(GlossaryNotFound):
        _submit(core, TranslationOptions(glossary_ids=(theirs.glossary_id,)))
    with pytest.raises(GlossaryNotFound):
        core.glossaries.get(core.tenant, theirs.glossary_id)
    with pytest.raises(GlossaryNotFound):
        core.glossaries.delete(core.tenant, theirs.glossary_id)


def test_job_is_refused_when_its_glossary_is_of_another_language(core: Core) -> None:
    kept = core.glossaries.create(core.tenant, "mills", "de", TERMS)
    options = TranslationOptions(glossary_ids=(kept.glossary_id,))
    with pytest.raises(InvalidRequest, match="the source of en"):
        _submit(core, options)
    _submit(core, options, source="")


def test_job_is_refused_when_its_terms_do_not_fit_a_message(core: Core) -> None:
    long = tuple(GlossaryTerm(f"{n:06}" + "ß" * 190, "ü" * 200) for n in range(1500))
    kept = core.glossaries.create(core.tenant, "long", "en", long)
    with pytest.raises(InvalidRequest, match="all terms together"):
        _submit(core, TranslationOptions(glossary_ids=(kept.glossary_id,)))


def test_batch_is_refused_when_the_terms_of_all_its_jobs_are_too_much(core: Core) -> None:
    long = tuple(GlossaryTerm(f"{n:06}" + "a" * 190, "b" * 200) for n in range(2000))
    kept = core.glossaries.create(core.tenant, "long", "en", long)
    options = TranslationOptions(glossary_ids=(kept.glossary_id,))
    one = NewJob(spec=TranslateText("en", ("pt",), text="hello", options=options))
    assert len(core.submission.create_batch(core.tenant, [one] * 5)) == 5
    with pytest.raises(InvalidRequest) as caught:
        core.submission.create_batch(core.tenant, [one] * 40)
    (violation,) = caught.value.violations
    assert violation.field.startswith("requests[")
    assert violation.reason == "TOO_LARGE"


def test_glossaries_are_listed_by_name_without_terms(core: Core) -> None:
    made = [core.glossaries.create(core.tenant, name, "en", TERMS) for name in ("b", "a")]
    assert core.glossaries.list_all(core.tenant) == [
        replace(glossary, terms=()) for glossary in reversed(made)
    ]
    assert core.glossaries.get(core.tenant, made[0].glossary_id) == made[0]
    with pytest.raises(TooManyGlossaries):
        core.glossaries.create(core.tenant, "c", "en", TERMS)
