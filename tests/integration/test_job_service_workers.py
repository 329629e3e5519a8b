"""A worker that speaks WorkerService, from the broker's message to the job's end."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    catalog_service_pb2,
    failure_pb2,
    job_pb2,
    job_service_pb2,
    lease_pb2,
    progress_pb2,
    usage_pb2,
    worker_service_pb2,
)
from babelmill.kit.wire.step_message import TASK_NAME
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2
from tests.integration.job_service_house import (
    WORKER,
    House,
    open_house,
    refusal,
    take_message,
    text_request,
)


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


def text_output(text: str, filename: str = "out.txt") -> lease_pb2.StepOutput:
    data = text.encode()
    return lease_pb2.StepOutput(
        inline=data,
        digest=artifact_pb2.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data)),
        filename=filename,
        media_type="text/plain; charset=utf-8",
    )


async def lease_next(
    house: House, redis_url: str, queue: str = "translation.normal"
) -> lease_pb2.Lease:
    message = await take_message(redis_url, queue)
    granted = await house.acquire(message.ref(str(uuid4())))
    assert len(granted.leases) == 1
    return granted.leases[0]


async def complete(house: House, lease: lease_pb2.Lease, text: str) -> None:
    await house.workers.CompleteStep(
        worker_service_pb2.CompleteStepRequest(
            worker_id=WORKER,
            ref=lease.ref,
            outputs=[text_output(text)],
            usage=usage_pb2.Usage(cpu_seconds=0.5, peak_rss_bytes=1000),
        ),
        metadata=house.worker,
    )


async def test_job_completes_when_a_worker_does_every_step(house: House, redis_url: str) -> None:
    job = await house.create("pt", "es")
    for _ in range(2):
        lease = await lease_next(house, redis_url)
        assert lease.job_id == job.job_id
        assert lease.attempt == 1
        assert lease.ttl.ToTimedelta() == timedelta(seconds=30)
        assert lease.work.translate_text.source.inline == b"Hello, world."
        assert lease.work.translate_text.source_language == "en"
        assert lease.traceparent.split("-")[1] == job.trace_id
        await complete(house, lease, f"[{lease.work.translate_text.target_language}]")
    done = await house.get(job.job_id)
    assert done.state == job_pb2.JOB_STATE_COMPLETED
    assert {target.key: target.text for target in done.targets} == {"pt": "[pt]", "es": "[es]"}
    assert done.progress.percent == 100
    assert done.usage.cpu_seconds == pytest.approx(1.0)
    assert done.usage.peak_rss_bytes == 1000
    assert not done.usage.HasField("output_bytes")
    assert done.create_time.seconds <= done.start_time.seconds <= done.finish_time.seconds
    request = artifact_service_pb2.DownloadArtifactRequest(
        artifact_id=done.targets[0].outputs[0].artifact_id
    )
    parts = [p async for p in house.artifacts.DownloadArtifact(request, metadata=house.client)]
    assert b"".join(part.chunk.data for part in parts[1:]) == b"[pt]"


async def test_message_is_lean_and_traced_when_a_step_is_published(
    house: House, redis_url: str
) -> None:
    job = (
        await house.jobs.CreateJob(
            text_request(text="TOP SECRET", priority=job_pb2.PRIORITY_URGENT),
            metadata=(*house.client, ("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01")),
        )
    ).job
    message = await take_message(redis_url, "translation.urgent")
    assert message.kwargs == {"step_id": job.steps[0].step_id, "generation": 1}
    assert message.headers["task"] == TASK_NAME
    assert str(message.headers["traceparent"]).split("-")[1] == "ab" * 16
    assert message.headers["ignore_result"] is True
    assert "SECRET" not in str(message)


async def test_same_lease_comes_back_when_the_answer_was_lost(house: House, redis_url: str) -> None:
    await house.create()
    ref = (await take_message(redis_url, "translation.normal")).ref(str(uuid4()))
    first, again = await house.acquire(ref), await house.acquire(ref)
    assert first.leases[0].ref == again.leases[0].ref == ref
    stranger = lease_pb2.LeaseRef(
        step_id=ref.step_id, generation=ref.generation, lease_id=str(uuid4())
    )
    assert list((await house.acquire(stranger)).refused) == [stranger]


@pytest.mark.matrix(21)
async def test_outcome_is_refused_when_the_lease_is_stale(house: House, redis_url: str) -> None:
    await house.create()
    lease = await lease_next(house, redis_url)
    forged = lease_pb2.LeaseRef(
        step_id=lease.ref.step_id, generation=lease.ref.generation, lease_id=str(uuid4())
    )
    details = await refusal(
        house.workers.CompleteStep(
            worker_service_pb2.CompleteStepRequest(
                worker_id=WORKER, ref=forged, outputs=[text_output("forged")]
            ),
            metadata=house.worker,
        )
    )
    assert (details.code, details.reason) == (grpc.StatusCode.ABORTED, "STALE_LEASE")
    await complete(house, lease, "real")
    await complete(house, lease, "real")


async def test_worker_is_told_to_stop_when_the_job_is_cancelled(
    house: House, redis_url: str
) -> None:
    job = await house.create()
    lease = await lease_next(house, redis_url)
    cancelled = await house.jobs.CancelJob(
        job_service_pb2.CancelJobRequest(job_id=job.job_id), metadata=house.client
    )
    assert cancelled.job.state == job_pb2.JOB_STATE_CANCELLING
    answer = await house.workers.Heartbeat(
        worker_service_pb2.HeartbeatRequest(
            worker_id=WORKER, reports=[lease_pb2.LeaseReport(ref=lease.ref)]
        ),
        metadata=house.worker,
    )
    assert [s.directive for s in answer.statuses] == [lease_pb2.LEASE_DIRECTIVE_CANCEL]
    await house.workers.FailStep(
        worker_service_pb2.FailStepRequest(
            worker_id=WORKER,
            ref=lease.ref,
            failure=failure_pb2.Failure(reason="CANCELLED", message="The work has stopped."),
        ),
        metadata=house.worker,
    )
    assert (await house.get(job.job_id)).state == job_pb2.JOB_STATE_CANCELLED
    details = await refusal(
        house.workers.CompleteStep(
            worker_service_pb2.CompleteStepRequest(
                worker_id=WORKER, ref=lease.ref, outputs=[text_output("late")]
            ),
            metadata=house.worker,
        )
    )
    assert details.code is grpc.StatusCode.ABORTED


async def test_step_is_published_again_when_its_failure_can_pass(
    house: House, redis_url: str
) -> None:
    job = await house.create()
    lease = await lease_next(house, redis_url)
    cause = failure_pb2.Failure(reason="ENGINE_FAILED", message="It failed.", retryable=True)
    await house.workers.FailStep(
        worker_service_pb2.FailStepRequest(worker_id=WORKER, ref=lease.ref, failure=cause),
        metadata=house.worker,
    )
    waiting = await house.get(job.job_id)
    assert waiting.steps[0].error.reason == "ENGINE_FAILED"
    second = await lease_next(house, redis_url)
    assert (second.attempt, second.ref.generation) == (2, lease.ref.generation + 1)
    assert second.traceparent.split("-")[1] == job.trace_id
    await complete(house, second, "done")
    assert (await house.get(job.job_id)).state == job_pb2.JOB_STATE_COMPLETED


async def test_expired_lease_is_given_to_another_when_its_worker_is_silent(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(
        database_url, redis_url, artifacts_directory, lease_ttl_seconds=1, heartbeat_seconds=0.2
    ) as house:
        job = await house.create()
        lost = await lease_next(house, redis_url)
        second = await lease_next(house, redis_url)
        assert second.ref.generation > lost.ref.generation
        answer = await house.workers.Heartbeat(
            worker_service_pb2.HeartbeatRequest(
                worker_id=WORKER, reports=[lease_pb2.LeaseReport(ref=lost.ref)]
            ),
            metadata=house.worker,
        )
        assert answer.statuses[0].directive == lease_pb2.LEASE_DIRECTIVE_LOST
        await complete(house, second, "done")
        assert (await house.get(job.job_id)).state == job_pb2.JOB_STATE_COMPLETED


async def test_catalogue_tells_what_workers_announced(house: House) -> None:
    await house.workers.AnnounceWorker(announcement(), metadata=house.worker)
    engines = await house.catalog.ListEngines(
        catalog_service_pb2.ListEnginesRequest(), metadata=house.client
    )
    assert [engine.name for engine in engines.engines] == ["bergamot"]
    for source, count in (("", 1), ("EN", 1), ("fr", 0)):
        pairs = await house.catalog.ListLanguagePairs(
            catalog_service_pb2.ListLanguagePairsRequest(source_language=source),
            metadata=house.client,
        )
        assert len(pairs.pairs) == count
    presets = await house.catalog.ListPresets(
        catalog_service_pb2.ListPresetsRequest(), metadata=house.client
    )
    assert list(presets.presets) == list(announcement().presets)


async def test_announcement_tells_how_to_behave_when_accepted(house: House) -> None:
    answer = await house.workers.AnnounceWorker(announcement(), metadata=house.worker)
    assert answer.heartbeat_interval.ToTimedelta() == timedelta(seconds=1)
    assert answer.announce_interval.ToTimedelta() == timedelta(minutes=1)


async def test_workers_requests_are_refused_when_malformed(house: House) -> None:
    nothing = lease_pb2.LeaseRef()
    good = lease_pb2.LeaseRef(step_id=str(uuid4()), generation=1, lease_id=str(uuid4()))
    no_name = announcement()
    no_name.worker_id = ""
    nowhere = progress_pb2.Progress(done=float("nan"))
    unplaced = text_output("x")
    unplaced.ClearField("inline")
    unplaced.digest.sha256 = "ABC"
    calls = {
        "worker_id": house.workers.AnnounceWorker(no_name, metadata=house.worker),
        "refs": house.acquire(),
        "refs[0].step_id": house.acquire(nothing),
        "reports[0].progress.done": house.workers.Heartbeat(
            worker_service_pb2.HeartbeatRequest(
                worker_id=WORKER,
                reports=[lease_pb2.LeaseReport(ref=good, progress=nowhere)],
            ),
            metadata=house.worker,
        ),
        "outputs[0]": house.workers.CompleteStep(
            worker_service_pb2.CompleteStepRequest(worker_id=WORKER, ref=good, outputs=[unplaced]),
            metadata=house.worker,
        ),
        "failure.reason": house.workers.FailStep(
            worker_service_pb2.FailStepRequest(worker_id=WORKER, ref=good),
            metadata=house.worker,
        ),
    }
    for field, call in calls.items():
        details = await refusal(call)
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT
        assert field in [v.field for v in details.violations]


async def test_many_leases_are_granted_in_one_call_when_asked_for(
    house: House, redis_url: str
) -> None:
    await asyncio.gather(*(house.create(text=f"Text {n}") for n in range(20)))
    refs = [
        (await take_message(redis_url, "translation.normal")).ref(str(uuid4())) for _ in range(20)
    ]
    granted = await house.acquire(*refs)
    assert [lease.ref for lease in granted.leases] == refs


def announcement() -> worker_service_pb2.AnnounceWorkerRequest:
    hop = translation_pb2.RouteHop(engine="bergamot", source_language="en", target_language="pt")
    return worker_service_pb2.AnnounceWorkerRequest(
        worker_id=WORKER,
        service="translation_worker",
        version="1.0",
        step_kinds=["translate_text"],
        engines=[translation_pb2.Engine(name="bergamot", version="2", description="Neural.")],
        language_pairs=[
            translation_pb2.LanguagePair(source_language="en", target_language="pt", hops=[hop])
        ],
        presets=[
            media_pb2.Preset(
                name="mp3",
                kind=media_pb2.PRESET_KIND_AUDIO,
                description="MP3 audio.",
                file_extension="mp3",
                media_type="audio/mpeg",
            )
        ],
    )
