"""A document's job: its steps come out of its extraction, on a real database."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from job_service.api.work_messages import work
from job_service.application.limits import Limits
from job_service.application.outcomes import NewOutput
from job_service.application.uploads import UploadRequest
from job_service.domain.content import digest_of
from job_service.domain.errors import StepCancelled
from job_service.domain.expansion import Chunk, Extraction
from job_service.domain.job import Job, JobState, StepState, TargetState
from job_service.domain.retry_policy import RetryPolicy
from job_service.domain.spec import TranslateDocument, TranslateRecords, TranslateText, TranslateUrl
from job_service.domain.translation import DocumentTwins, Tone, TranslationOptions
from tests.integration.core import FLAKY, HOPELESS, WORKER, Core, open_core
from tests.integration.pipeline_core import PipelineCore

BIG = "hello world. " * 4000


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def pipeline(core: Core) -> PipelineCore:
    return PipelineCore(core)


def _document(core: Core, *languages: str, **options: object) -> TranslateDocument:
    begun = core.uploads.begin(
        core.tenant, UploadRequest(filename="a.html", media_type="text/html")
    )
    core.uploads.append(core.tenant, begun.artifact_id, 0, b"<p>hello</p>")
    core.uploads.finish(core.tenant, begun.artifact_id)
    return TranslateDocument(
        artifact_id=begun.artifact_id,
        source_language="en",
        target_languages=languages or ("pt",),
        options=TranslationOptions(**options),  # type: ignore[arg-type] # the test's own options
        twins=DocumentTwins(bilingual=True),
    )


def test_document_is_extracted_translated_and_put_back_when_all_goes_well(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core, "pt", "es"))
    assert pipeline.states(job) == {"extract": "PENDING"}
    granted = pipeline.acquire(job, "extract")
    asked = work(granted).extract
    assert asked.content.filename == "a.html"
    assert (list(asked.target_languages), asked.max_chunks) == (["pt", "es"], 998)
    pipeline.extract(job, 100, 50, lease=granted.request)
    assert pipeline.ready(job) == [
        "translate[pt,1]",
        "translate[pt,2]",
        "translate[es,1]",
        "translate[es,2]",
    ]
    granted = pipeline.acquire(job, "translate[pt,2]")
    leased = work(granted).translate_segments
    assert (leased.segments.filename, leased.target_language) == ("chunk-2.json", "pt")
    for name, lease in (("translate[pt,2]", granted.request), ("translate[pt,1]", None)):
        pipeline.complete(job, name, {f"{name}.json": name.encode()}, lease)
    assert "reconstruct[pt]" in pipeline.ready(job)
    put = pipeline.acquire(job, "reconstruct[pt]")
    message = work(put).reconstruct
    assert message.original.filename == "a.html"
    assert [part.filename for part in message.segments] == ["chunk-1.json", "chunk-2.json"]
    assert [part.inline for part in message.translations] == [
        b"translate[pt,1]",
        b"translate[pt,2]",
    ]
    assert (message.format, message.twins.bilingual, message.twins.xliff) == ("html", True, False)
    core.complete(put.request, b"<p>ola</p>")

    half = core.job(job)
    assert half.state is JobState.IN_PROGRESS
    assert [target.state for target in half.targets] == [TargetState.COMPLETED, TargetState.ACTIVE]
    assert [output.inline for output in half.targets[0].outputs] == [b"<p>ola</p>"]
    for name in ("translate[es,1]", "translate[es,2]", "reconstruct[es]"):
        pipeline.complete(job, name)
    done = core.job(job)
    assert (done.state, done.progress and done.progress.percent) == (JobState.COMPLETED, 100)
    assert done.progress is not None
    assert (done.progress.unit, done.progress.done, done.progress.total) == ("CHARACTERS", 300, 300)


def test_chunks_are_published_in_the_texts_order_when_they_come_into_being_together(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core, "pt"))
    pipeline.extract(job, *[10] * 20)
    # However they lie in the database.
    for step in reversed(core.job(job).steps):
        with core.units.write() as uow:
            uow.queue.make_due([step.step_id])
    published = [step.name for step in core.publishing.take(100)]
    assert published == [f"translate[pt,{number}]" for number in range(1, 21)]


def test_tone_is_given_after_each_chunk_when_it_is_asked_for(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core, "pt", tone=Tone.FORMAL))
    pipeline.extract(job, 10, 10)
    pipeline.complete(job, "translate[pt,1]", {"t1.json": b"one"})
    assert pipeline.ready(job) == ["tone[pt,1]", "translate[pt,2]"]
    leased = work(pipeline.acquire(job, "tone[pt,1]")).adapt_tone
    assert (leased.segments.filename, leased.translations.inline) == ("chunk-1.json", b"one")
    assert leased.settings.options.tone == 2


def test_parts_can_be_read_while_the_rest_runs(core: Core, pipeline: PipelineCore) -> None:
    job = pipeline.submit(_document(core))
    pipeline.extract(job, 10, 10)
    pipeline.complete(job, "translate[pt,1]", {"pt-1.json": b"ola"})
    (part,) = pipeline.step(job, "translate[pt,1]").parts
    _, blocks = core.uploads.open(core.tenant, part.artifact_id, 0)
    assert b"".join(blocks) == b"ola"
    assert core.job(job).state is JobState.IN_PROGRESS
    assert core.job(job).targets[0].outputs == ()


def test_fetched_document_is_what_is_put_back_when_the_source_was_an_address(
    pipeline: PipelineCore,
) -> None:
    spec = TranslateUrl(
        url="https://example.org/a.html", source_language="", target_languages=("pt",)
    )
    job = pipeline.submit(spec)
    assert work(pipeline.acquire(job, "extract")).extract.url == spec.url
    assert pipeline.core.job(job).spec == spec


def test_original_is_handed_on_when_it_was_fetched(core: Core, pipeline: PipelineCore) -> None:
    spec = TranslateUrl(
        url="https://example.org/a.html", source_language="", target_languages=("pt",)
    )
    job = pipeline.submit(spec)
    pipeline.extract(job, 10, original="page.html")
    pipeline.complete(job, "translate[pt,1]")
    message = work(pipeline.acquire(job, "reconstruct[pt]")).reconstruct
    assert message.original.filename == "page.html"
    assert core.store.size(message.original.storage_key) == len(b"<p>hello</p>")


def test_records_are_kept_and_given_back_as_they_came(pipeline: PipelineCore) -> None:
    spec = TranslateRecords(
        records='[{"name":"hello","n":1}]',
        target_fields=("name",),
        source_language="en",
        target_languages=("pt",),
        code_filter=True,
        output_prefix="out/",
    )
    job = pipeline.submit(spec)
    assert pipeline.core.job(job).spec == spec
    message = work(pipeline.acquire(job, "extract")).extract
    assert message.content.inline == b'[{"name":"hello","n":1}]'
    assert (message.format, list(message.record_rules.target_fields)) == ("json", ["name"])


@pytest.mark.parametrize("text", [BIG, "short, of an unknown language"])
def test_text_is_cut_into_chunks_when_it_is_long_or_its_language_unknown(
    pipeline: PipelineCore, text: str
) -> None:
    source_language = "en" if text is BIG else ""
    job = pipeline.submit(TranslateText(source_language, ("pt",), text=text))
    assert [step.kind for step in job.steps] == ["extract"]
    assert work(pipeline.acquire(job, "extract")).extract.format == "txt"


def test_language_fails_alone_when_the_document_is_in_it(
    core: Core, pipeline: PipelineCore
) -> None:
    spec = TranslateText("", ("pt", "en"), text="hello")
    job = pipeline.submit(spec)
    pipeline.extract(job, 5)
    failed = pipeline.step(job, "reconstruct[en]")
    assert failed.error is not None
    assert failed.error.reason == "UNSUPPORTED_LANGUAGE_PAIR"
    pipeline.complete(job, "translate[pt,1]")
    pipeline.complete(job, "reconstruct[pt]")
    done = core.job(job)
    assert done.state is JobState.PARTIALLY_COMPLETED
    assert [target.state for target in done.targets] == [TargetState.COMPLETED, TargetState.FAILED]


def test_job_fails_with_every_language_when_its_extraction_does(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core, "pt", "es"))
    core.fail(pipeline.acquire(job, "extract").request, HOPELESS)
    failed = core.job(job)
    assert failed.state is JobState.FAILED
    assert [target.state for target in failed.targets] == [TargetState.FAILED] * 2


def test_extraction_is_published_once_when_its_report_is_repeated(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core))
    lease = pipeline.acquire(job, "extract").request
    output = pipeline.stored(job, lease, "c.json", b"x")
    found = Extraction(
        format="html",
        source_language="en",
        language_confidence=1.0,
        chunks=(Chunk("c.json", 5, 1),),
    )
    for _ in range(2):
        core.outcomes.complete(WORKER, lease, [output], None, found)
    assert len(core.job(job).steps) == 3
    assert [event.sequence for event in core.events(job)] == list(
        range(1, core.job(job).sequence + 1)
    )


def test_nothing_follows_when_the_cancel_came_before_the_extraction(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core))
    lease = pipeline.acquire(job, "extract").request
    core.cancellation.cancel(core.tenant, job.job_id)
    output = NewOutput(filename="c", media_type="text/plain", digest=digest_of(b""), inline=b"")
    with pytest.raises(StepCancelled):
        core.outcomes.complete(WORKER, lease, [output], None, None)
    assert pipeline.states(job) == {"extract": "CANCELLED"}


def test_progress_never_goes_back_when_steps_are_added(core: Core, pipeline: PipelineCore) -> None:
    job = pipeline.submit(_document(core, "pt", tone=Tone.FORMAL))
    seen = [_percent(core.job(job))]
    pipeline.extract(job, 900, 100)
    seen.append(_percent(core.job(job)))
    assert 0 < seen[-1] < 5
    for name in ("translate[pt,1]", "tone[pt,1]", "translate[pt,2]", "tone[pt,2]"):
        pipeline.complete(job, name)
        seen.append(_percent(core.job(job)))
    assert all(before < after for before, after in pairwise(seen))
    pipeline.complete(job, "reconstruct[pt]")
    assert _percent(core.job(job)) == 100


def test_dead_letter_is_planned_anew_when_it_is_replayed(database_url: str, tmp_path: Path) -> None:
    once = Limits(retry=RetryPolicy(max_application_failures=1))
    with open_core(database_url, tmp_path / "artifacts", once) as core:
        pipeline = PipelineCore(core)
        job = pipeline.submit(_document(core))
        pipeline.extract(job, 10, 10)
        pipeline.complete(job, "translate[pt,1]")
        core.fail(pipeline.acquire(job, "translate[pt,2]").request, FLAKY)
        assert core.job(job).state is JobState.DEAD_LETTERED
        retried = core.retrying.retry(core.tenant, job.job_id).job
    assert [step.name for step in retried.steps] == ["extract"]
    assert retried.parent_job_id == job.job_id


def _percent(job: Job) -> float:
    assert job.progress is not None
    assert all(step.state is not StepState.FAILED for step in job.steps)
    return job.progress.percent
