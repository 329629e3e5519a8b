"""What the service offers translations, through real channels."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from babelmill.jobs.v1 import (
    artifact_pb2,
    catalog_service_pb2,
    job_pb2,
    job_service_pb2,
    lease_pb2,
    worker_service_pb2,
)
from babelmill.translation.v1 import (
    glossary_pb2,
    glossary_service_pb2,
    glossary_service_pb2_grpc,
    translation_pb2,
)
from tests.integration.job_service_house import (
    WORKER,
    House,
    open_house,
    refusal,
    take_message,
    text_request,
)

KEY = "sk-canary-4b1d"


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path, tmp_path: Path
) -> AsyncIterator[House]:
    key_file = tmp_path / "secrets.key"
    key_file.write_text("ab" * 32)
    key_file.chmod(0o600)
    async with open_house(
        database_url, redis_url, artifacts_directory, secrets_key_file=key_file
    ) as house:
        yield house


def _glossaries(house: House) -> "glossary_service_pb2_grpc.GlossaryServiceAsyncStub":
    return glossary_service_pb2_grpc.GlossaryServiceStub(house.client_channel)


def _with_key(request: job_service_pb2.CreateJobRequest) -> job_service_pb2.CreateJobRequest:
    request.spec.translate_text.options.chat_model.CopyFrom(
        translation_pb2.ChatModel(base_url="https://llm.example/v1", model_name="m", api_key=KEY)
    )
    return request


async def _announce(house: House) -> None:
    await house.workers.AnnounceWorker(
        worker_service_pb2.AnnounceWorkerRequest(
            worker_id=WORKER,
            service="translation_worker",
            version="1",
            step_kinds=["translate_text", "extract"],
            engines=[
                translation_pb2.Engine(
                    name="chat",
                    any_pair=True,
                    needs_chat_model=True,
                    keeps_glossary=True,
                    sets_tone=True,
                    max_batch_segments=20,
                    costs_money=True,
                )
            ],
            formats=[
                translation_pb2.Format(
                    name="docx",
                    description="Word",
                    extensions=[".docx"],
                    media_types=["application/x-docx"],
                )
            ],
        ),
        metadata=house.worker,
    )


async def test_engines_and_formats_are_told_as_workers_announce_them(house: House) -> None:
    await _announce(house)
    engines = await house.catalog.ListEngines(
        catalog_service_pb2.ListEnginesRequest(), metadata=house.client
    )
    (engine,) = engines.engines
    assert (engine.any_pair, engine.needs_chat_model, engine.costs_money) == (True, True, True)
    assert (engine.keeps_glossary, engine.sets_tone, engine.max_batch_segments) == (True, True, 20)
    formats = await house.catalog.ListFormats(
        catalog_service_pb2.ListFormatsRequest(), metadata=house.client
    )
    (known,) = formats.formats
    assert (known.name, list(known.extensions)) == ("docx", [".docx"])
    assert list(known.media_types) == ["application/x-docx"]


async def test_document_is_refused_when_no_worker_has_its_format(house: House) -> None:
    await _announce(house)
    spec = translation_pb2.TranslateDocumentSpec(
        artifact_id=str(uuid4()), format="doc", target_languages=["pt"]
    )
    request = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_document=spec))
    details = await refusal(house.jobs.CreateJob(request, metadata=house.client))
    assert (details.code, details.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "UNSUPPORTED_FORMAT",
    )
    assert details.metadata["formats"] == "docx"


@pytest.mark.matrix(19)
async def test_glossary_is_the_tenants_alone(house: House) -> None:
    stub = _glossaries(house)
    terms = [glossary_pb2.GlossaryTerm(source="mill", target="moinho", target_language="PT")]
    made = await stub.CreateGlossary(
        glossary_service_pb2.CreateGlossaryRequest(
            display_name="mills", source_language="en", terms=terms
        ),
        metadata=house.client,
    )
    assert (made.glossary.term_count, list(made.glossary.terms)) == (1, [])
    named = glossary_service_pb2.GetGlossaryRequest(glossary_id=made.glossary.glossary_id)
    found = await stub.GetGlossary(named, metadata=house.client)
    assert [term.target_language for term in found.glossary.terms] == ["pt"]
    details = await refusal(stub.GetGlossary(named, metadata=house.other_client))
    assert (details.code, details.reason) == (grpc.StatusCode.NOT_FOUND, "GLOSSARY_NOT_FOUND")
    listed = await stub.ListGlossaries(
        glossary_service_pb2.ListGlossariesRequest(), metadata=house.client
    )
    assert [each.display_name for each in listed.glossaries] == ["mills"]
    await stub.DeleteGlossary(
        glossary_service_pb2.DeleteGlossaryRequest(glossary_id=made.glossary.glossary_id),
        metadata=house.client,
    )
    details = await refusal(stub.GetGlossary(named, metadata=house.client))
    assert details.code is grpc.StatusCode.NOT_FOUND


async def test_glossary_is_refused_with_every_wrong_field(house: House) -> None:
    request = glossary_service_pb2.CreateGlossaryRequest(
        display_name=" ", source_language="e", terms=[glossary_pb2.GlossaryTerm(target="x" * 201)]
    )
    details = await refusal(_glossaries(house).CreateGlossary(request, metadata=house.client))
    assert {violation.field for violation in details.violations} == {
        "display_name",
        "source_language",
        "terms[0].source",
        "terms[0].target",
    }


async def test_key_reaches_the_worker_and_comes_back_to_nobody(
    house: House, redis_url: str
) -> None:
    request = _with_key(text_request())
    job = (await house.jobs.CreateJob(request, metadata=house.client)).job
    assert job.spec.translate_text.options.chat_model.model_name == "m"
    assert KEY.encode() not in (await house.get(job.job_id)).SerializeToString()
    message = await take_message(redis_url, "translation.normal")
    granted = await house.acquire(message.ref(str(uuid4())))
    settings = granted.leases[0].work.translate_text.settings
    assert settings.options.chat_model.api_key == KEY


async def test_key_is_refused_when_the_server_cannot_keep_it(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(database_url, redis_url, artifacts_directory) as house:
        details = await refusal(
            house.jobs.CreateJob(_with_key(text_request()), metadata=house.client)
        )
    assert details.code is grpc.StatusCode.FAILED_PRECONDITION
    assert details.reason == "SECRETS_DISABLED"
    assert KEY not in details.message


async def test_document_goes_through_every_family_of_queues(house: House, redis_url: str) -> None:
    spec = translation_pb2.TranslateRecordsSpec(
        target_fields=["name"], target_languages=["pt"], source_language="en"
    )
    spec.options.tone = translation_pb2.TONE_FORMAL
    spec.options.engines.append("bergamot")
    spec.records.add().update({"name": "The mill"})
    request = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_records=spec))
    job = (await house.jobs.CreateJob(request, metadata=house.client)).job
    for queue, extraction in (
        ("extraction.normal", _one_chunk()),
        ("translation.normal", None),
        ("tone.normal", None),
        ("reconstruction.normal", None),
    ):
        message = await take_message(redis_url, queue)
        (lease,) = (await house.acquire(message.ref(str(uuid4())))).leases
        assert lease.work.WhichOneof("kind") is not None
        if lease.work.HasField("extract"):
            assert list(lease.work.extract.engines) == ["bergamot"]
            assert not lease.work.extract.has_chat_model
        await house.workers.CompleteStep(
            worker_service_pb2.CompleteStepRequest(
                worker_id=WORKER,
                ref=lease.ref,
                outputs=[_output("chunk.json")],
                extraction=extraction,
            ),
            metadata=house.worker,
        )
    done = await house.get(job.job_id)
    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert [len(step.parts) for step in done.steps] == [1, 1, 1, 0]
    assert len(done.targets[0].outputs) == 1
    assert done.spec.translate_records == spec


async def test_memory_is_open_to_whoever_holds_a_lease(house: House, redis_url: str) -> None:
    await house.create()
    message = await take_message(redis_url, "translation.normal")
    (lease,) = (await house.acquire(message.ref(str(uuid4())))).leases
    key = sha256(b"segment").digest()
    entry = worker_service_pb2.MemoryEntry(key=key, value=b"moinho")
    remember = worker_service_pb2.RememberSegmentsRequest(
        worker_id=WORKER, ref=lease.ref, entries=[entry]
    )
    await house.workers.RememberSegments(remember, metadata=house.worker)
    recall = worker_service_pb2.RecallSegmentsRequest(
        worker_id=WORKER, ref=lease.ref, keys=[key, bytes(32)]
    )
    recalled = await house.workers.RecallSegments(recall, metadata=house.worker)
    assert list(recalled.entries) == [entry]
    recall.ref.lease_id = str(uuid4())
    details = await refusal(house.workers.RecallSegments(recall, metadata=house.worker))
    assert (details.code, details.reason) == (grpc.StatusCode.ABORTED, "STALE_LEASE")
    details = await refusal(
        house.workers.RecallSegments(
            worker_service_pb2.RecallSegmentsRequest(
                worker_id=WORKER, ref=lease.ref, keys=[b"short"]
            ),
            metadata=house.worker,
        )
    )
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT


def _output(filename: str) -> lease_pb2.StepOutput:
    digest = artifact_pb2.Digest(sha256=sha256(b"[]").hexdigest(), size_bytes=2)
    return lease_pb2.StepOutput(
        inline=b"[]", digest=digest, filename=filename, media_type="application/json"
    )


def _one_chunk() -> lease_pb2.Extraction:
    chunk = lease_pb2.ExtractedChunk(filename="chunk.json", characters=8, segments=1)
    return lease_pb2.Extraction(
        format="json", source_language="en", language_confidence=1.0, chunks=[chunk]
    )
