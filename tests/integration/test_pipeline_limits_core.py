"""What a document's job and its workers are refused, on a real database."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from job_service.api.work_messages import work
from job_service.application.leasing import LeaseRequest
from job_service.application.limits import Limits
from job_service.application.uploads import UploadRequest
from job_service.domain.errors import InvalidRequest
from job_service.domain.expansion import Chunk, Extraction
from job_service.domain.spec import TranslateDocument, TranslateRecords
from job_service.domain.translation import DocumentTwins, TranslationOptions
from tests.integration.core import WORKER, Core, open_core
from tests.integration.pipeline_core import PipelineCore


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


def test_outputs_may_lie_below_the_prefix_that_was_asked_for_and_nowhere_else(
    pipeline: PipelineCore,
) -> None:
    spec = TranslateRecords(
        records='[{"name":"hello"}]',
        target_fields=("name",),
        source_language="en",
        target_languages=("pt",),
        output_prefix="out/",
    )
    job = pipeline.submit(spec)
    pipeline.extract(job, 5)
    pipeline.complete(job, "translate[pt,1]")
    lease = pipeline.acquire(job, "reconstruct[pt]").request
    with pytest.raises(InvalidRequest, match="slashes"):
        pipeline.complete(job, "reconstruct[pt]", {"other/records.json": b"[]"}, lease)
    pipeline.complete(job, "reconstruct[pt]", {"out/records.json": b"[]"}, lease)
    (target,) = pipeline.core.job(job).targets
    assert [output.filename for output in target.outputs] == ["out/records.json"]


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (None, "extraction"),
        ([Chunk("other.json", 5, 1)], "extraction.chunks"),
        ([Chunk("c.json", 5, 1)] * 2, "extraction.chunks"),
    ],
)
def test_extraction_is_refused_when_no_steps_can_follow_from_it(
    core: Core, pipeline: PipelineCore, found: list[Chunk] | None, field: str
) -> None:
    job = pipeline.submit(_document(core))
    lease = pipeline.acquire(job, "extract").request
    output = pipeline.stored(job, lease, "c.json", b"x")
    extraction = None
    if found is not None:
        extraction = Extraction(
            format="html", source_language="en", language_confidence=1.0, chunks=tuple(found)
        )
    with pytest.raises(InvalidRequest) as caught:
        core.outcomes.complete(WORKER, lease, [output], None, extraction)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert pipeline.states(job) == {"extract": "IN_PROGRESS"}


def test_part_is_refused_when_it_is_too_large_to_travel_in_a_lease(
    core: Core, pipeline: PipelineCore
) -> None:
    job = pipeline.submit(_document(core))
    pipeline.extract(job, 10)
    big = b"x" * 1025
    with pytest.raises(InvalidRequest, match="at most 1024"):
        pipeline.complete(job, "translate[pt,1]", {"t.json": big})


def test_input_is_named_missing_when_a_part_has_gone(core: Core, pipeline: PipelineCore) -> None:
    job = pipeline.submit(_document(core))
    pipeline.extract(job, 10)
    core.execute("DELETE FROM artifacts WHERE role = 'part'")
    message = work(pipeline.acquire(job, "translate[pt,1]")).translate_segments
    assert message.segments.storage_key == "missing"


@pytest.mark.matrix(19)
def test_part_of_another_tenant_cannot_be_read(core: Core, pipeline: PipelineCore) -> None:
    job = pipeline.submit(_document(core))
    pipeline.extract(job, 10)
    (part,) = pipeline.step(job, "extract").parts
    other = core.tokens.create_tenant(f"other-{uuid4()}")
    assert core.uploads.get(core.tenant, part.artifact_id).job_id == job.job_id
    with pytest.raises(Exception, match="no such artifact"):
        core.uploads.get(other, part.artifact_id)


def test_steps_with_parts_share_out_the_room_of_a_message(
    database_url: str, tmp_path: Path
) -> None:
    limits = Limits(max_inline_lease_bytes=4000)
    with open_core(database_url, tmp_path / "artifacts", limits) as core:
        pipeline = PipelineCore(core)
        job = pipeline.submit(_document(core, "pt", "es"))
        pipeline.extract(job, 10)
        for language in ("pt", "es"):
            pipeline.complete(job, f"translate[{language},1]")
        wanted = [
            LeaseRequest(step.step_id, step.generation, uuid4())
            for step in core.job(job).steps
            if step.kind == "reconstruct"
        ]
        granted, refused = core.leasing.acquire(WORKER, wanted)
        assert ([one.request for one in granted], refused) == (wanted[:1], [])
        granted, refused = core.leasing.acquire(WORKER, wanted[1:])
        assert ([one.request for one in granted], refused) == (wanted[1:], [])


def test_document_is_refused_when_no_worker_would_take_one_so_large(
    database_url: str, tmp_path: Path
) -> None:
    limits = Limits(max_document_bytes=5)
    with open_core(database_url, tmp_path / "artifacts", limits) as core:
        with pytest.raises(InvalidRequest) as caught:
            PipelineCore(core).submit(_document(core))
        assert [violation.reason for violation in caught.value.violations] == ["TOO_LARGE"]
