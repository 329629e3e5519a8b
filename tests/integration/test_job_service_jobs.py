"""Creating, reading, listing and cancelling jobs over the wire."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import grpc
import pytest

from babelmill.jobs.v1 import job_pb2, job_service_pb2, worker_service_pb2
from babelmill.translation.v1 import translation_pb2
from tests.integration.job_service_house import (
    WORKER,
    House,
    open_house,
    refusal,
    text_request,
    transcode_request,
)


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


async def test_job_is_durable_and_whole_when_created(house: House) -> None:
    request = text_request("pt", "es", request_id="r-1", priority=job_pb2.PRIORITY_URGENT)
    request.labels["team"] = "a"
    request.deadline.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    created = await house.jobs.CreateJob(request, metadata=house.client)
    assert created.created
    job = await house.get(created.job.job_id)
    assert UUID(job.job_id).version == 7
    assert job.spec == request.spec
    assert job.priority == job_pb2.PRIORITY_URGENT
    assert (job.request_id, dict(job.labels), job.deadline) == (
        "r-1",
        {"team": "a"},
        request.deadline,
    )
    assert [target.key for target in job.targets] == ["pt", "es"]
    assert [step.name for step in job.steps] == ["translate[pt]", "translate[es]"]
    assert len(job.trace_id) == 32
    assert int(job.trace_id, 16)
    assert job.sequence >= 1


async def test_job_has_the_callers_trace_when_it_sends_one(house: House) -> None:
    traceparent = ("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01")
    created = await house.jobs.CreateJob(text_request(), metadata=(*house.client, traceparent))
    assert created.job.trace_id == "ab" * 16


async def test_same_request_gives_the_same_job_when_repeated(house: House) -> None:
    request = text_request(request_id="once")
    first = await house.jobs.CreateJob(request, metadata=house.client)
    again = await house.jobs.CreateJob(request, metadata=house.client)
    assert (first.created, again.created) == (True, False)
    assert first.job.job_id == again.job.job_id
    details = await refusal(
        house.jobs.CreateJob(
            text_request(request_id="once", text="Something else"), metadata=house.client
        )
    )
    assert details.code is grpc.StatusCode.ALREADY_EXISTS
    assert details.reason == "IDEMPOTENCY_MISMATCH"
    theirs = await house.jobs.CreateJob(request, metadata=house.other_client)
    assert theirs.created, "another tenant's request_id must not collide"


async def test_every_wrong_field_is_named_when_a_job_is_refused(house: House) -> None:
    request = text_request("en", "pt", text="…")
    details = await refusal(house.jobs.CreateJob(request, metadata=house.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {v.field: v.reason for v in details.violations} == {
        "spec.translate_text.text": "EMPTY_TEXT",
        "spec.translate_text.target_languages[0]": "SAME_AS_SOURCE",
    }


async def test_deadline_is_refused_when_it_has_passed(house: House) -> None:
    request = text_request()
    request.deadline.FromDatetime(datetime.now(UTC) - timedelta(seconds=1))
    details = await refusal(house.jobs.CreateJob(request, metadata=house.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details.violations] == ["deadline"]


async def test_existing_pairs_are_told_when_a_pair_is_unknown(house: House) -> None:
    await house.workers.AnnounceWorker(
        worker_service_pb2.AnnounceWorkerRequest(
            worker_id=WORKER,
            service="translation_worker",
            version="1",
            step_kinds=["translate_text"],
            engines=[translation_pb2.Engine(name="bergamot")],
            language_pairs=[
                translation_pb2.LanguagePair(
                    source_language="en",
                    target_language="pt",
                    hops=[
                        translation_pb2.RouteHop(
                            engine="bergamot", source_language="en", target_language="pt"
                        )
                    ],
                )
            ],
        ),
        metadata=house.worker,
    )
    details = await refusal(house.jobs.CreateJob(text_request("xh"), metadata=house.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "UNSUPPORTED_LANGUAGE_PAIR" in {details.reason, *(v.reason for v in details.violations)}
    assert any("en" in value and "pt" in value for value in details.metadata.values())
    assert (await house.create("pt")).job_id


async def test_job_is_refused_when_its_artifact_is_missing(house: House) -> None:
    call = house.jobs.CreateJob(transcode_request(str(uuid4())), metadata=house.client)
    details = await refusal(call)
    assert (details.code, details.reason) == (grpc.StatusCode.NOT_FOUND, "ARTIFACT_NOT_FOUND")


async def test_batch_is_accepted_whole_when_all_are_right(house: House) -> None:
    requests = [text_request(request_id=f"b{n}", text=f"Text {n}") for n in range(50)]
    batch = job_service_pb2.BatchCreateJobsRequest(requests=requests)
    first = await house.jobs.BatchCreateJobs(batch, metadata=house.client)
    again = await house.jobs.BatchCreateJobs(batch, metadata=house.client)
    assert [r.created for r in first.responses] == [True] * 50
    assert [r.job.job_id for r in again.responses] == [r.job.job_id for r in first.responses]
    assert [r.job.request_id for r in first.responses] == [f"b{n}" for n in range(50)]


async def test_batch_is_refused_whole_when_one_is_wrong(house: House) -> None:
    batch = job_service_pb2.BatchCreateJobsRequest(requests=[text_request(), text_request(text="")])
    details = await refusal(house.jobs.BatchCreateJobs(batch, metadata=house.client))
    assert [v.field for v in details.violations] == ["requests[1].spec.translate_text.text"]
    listing = job_service_pb2.ListJobsRequest()
    assert not (await house.jobs.ListJobs(listing, metadata=house.client)).jobs


@pytest.mark.matrix(27)
async def test_quota_is_told_when_too_many_jobs_wait(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(
        database_url, redis_url, artifacts_directory, max_waiting_jobs=2
    ) as small:
        await small.create()
        await small.create()
        details = await refusal(small.jobs.CreateJob(text_request(), metadata=small.client))
        assert details.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details.reason == "TOO_MANY_WAITING_JOBS"
        assert details.retry_after_seconds
        assert details.quota_subject == f"tenant:{small.tenant_id}"


async def test_pages_cover_all_jobs_once_when_followed(house: House) -> None:
    made = [(await house.create(text=f"Text {n}")).job_id for n in range(7)]
    found: list[str] = []
    request = job_service_pb2.ListJobsRequest(page_size=3)
    while True:
        page = await house.jobs.ListJobs(request, metadata=house.client)
        assert all(not job.steps and not job.spec.translate_text.text for job in page.jobs)
        found += [job.job_id for job in page.jobs]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == made[::-1]


@pytest.mark.matrix(25)
async def test_page_token_is_refused_when_it_is_of_another_list(house: House) -> None:
    for _ in range(2):
        await house.create()
    request = job_service_pb2.ListJobsRequest(page_size=1)
    request.page_token = (await house.jobs.ListJobs(request, metadata=house.client)).next_page_token
    other_filter = job_service_pb2.ListJobsRequest(
        page_size=1,
        page_token=request.page_token,
        filter=job_service_pb2.JobFilter(kinds=["transcode"]),
    )
    for call in (
        house.jobs.ListJobs(request, metadata=house.other_client),
        house.jobs.ListJobs(other_filter, metadata=house.client),
    ):
        details = await refusal(call)
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [v.field for v in details.violations] == ["page_token"]


async def test_list_is_narrowed_when_filtered(house: House) -> None:
    low = await house.create(priority=job_pb2.PRIORITY_LOW)
    request = text_request()
    request.labels["team"] = "x'; DROP TABLE jobs; --"
    labelled = (await house.jobs.CreateJob(request, metadata=house.client)).job

    async def listed(**wanted: object) -> list[str]:
        listing = job_service_pb2.ListJobsRequest(
            filter=job_service_pb2.JobFilter(**wanted)  # type: ignore[arg-type]  # by name
        )
        return [j.job_id for j in (await house.jobs.ListJobs(listing, metadata=house.client)).jobs]

    assert await listed(priorities=[job_pb2.PRIORITY_LOW]) == [low.job_id]
    assert await listed(labels={"team": "x'; DROP TABLE jobs; --"}) == [labelled.job_id]
    assert await listed(labels={"team": "x"}) == []
    assert await listed(kinds=["transcode"]) == []
    assert await listed(created_after=low.create_time) == [labelled.job_id]
    assert await listed(created_before=labelled.create_time) == [low.job_id]
    assert await listed(states=[job_pb2.JOB_STATE_COMPLETED]) == []


async def test_job_is_cancelled_at_once_when_nothing_runs(house: House) -> None:
    job = await house.create()
    request = job_service_pb2.CancelJobRequest(job_id=job.job_id)
    for _ in range(2):
        cancelled = (await house.jobs.CancelJob(request, metadata=house.client)).job
        assert cancelled.state == job_pb2.JOB_STATE_CANCELLED
    events = await house.jobs.ListJobEvents(
        job_service_pb2.ListJobEventsRequest(job_id=job.job_id), metadata=house.client
    )
    assert [e.sequence for e in events.events] == list(range(1, len(events.events) + 1))
    assert events.events[-1].job_state_changed.state == job_pb2.JOB_STATE_CANCELLED


async def test_events_come_in_pages_when_asked_for(house: House) -> None:
    job = await house.create()
    await house.jobs.CancelJob(
        job_service_pb2.CancelJobRequest(job_id=job.job_id), metadata=house.client
    )
    last = (await house.get(job.job_id)).sequence
    seen: list[int] = []
    while True:
        page = await house.jobs.ListJobEvents(
            job_service_pb2.ListJobEventsRequest(
                job_id=job.job_id, after_sequence=len(seen), page_size=1
            ),
            metadata=house.client,
        )
        if not page.events:
            break
        seen += [event.sequence for event in page.events]
    assert seen == list(range(1, last + 1))


@pytest.mark.parametrize("job_id", ["", "x", "018f2c3e-7b1a-7cc0-8000-0123456789ab"])
async def test_job_is_not_found_when_there_is_none(house: House, job_id: str) -> None:
    calls = (
        house.jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job_id), metadata=house.client),
        house.jobs.WatchJob(job_service_pb2.WatchJobRequest(job_id=job_id), metadata=house.client),
        house.jobs.CancelJob(
            job_service_pb2.CancelJobRequest(job_id=job_id), metadata=house.client
        ),
        house.jobs.ListJobEvents(
            job_service_pb2.ListJobEventsRequest(job_id=job_id), metadata=house.client
        ),
    )
    wanted = grpc.StatusCode.NOT_FOUND if len(job_id) == 36 else grpc.StatusCode.INVALID_ARGUMENT
    assert [(await refusal(call)).code for call in calls] == [wanted] * 4


@pytest.mark.matrix(19)
async def test_job_is_not_found_when_it_is_another_tenants(house: House) -> None:
    job_id = (await house.create()).job_id
    md = house.other_client
    calls = (
        house.jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job_id), metadata=md),
        house.jobs.WatchJob(job_service_pb2.WatchJobRequest(job_id=job_id), metadata=md),
        house.jobs.WatchJob(
            job_service_pb2.WatchJobRequest(job_id=job_id, after_sequence=0), metadata=md
        ),
        house.jobs.CancelJob(job_service_pb2.CancelJobRequest(job_id=job_id), metadata=md),
        house.jobs.ListJobEvents(job_service_pb2.ListJobEventsRequest(job_id=job_id), metadata=md),
    )
    for call in calls:
        details = await refusal(call)
        assert (details.code, details.reason) == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert not (await house.jobs.ListJobs(job_service_pb2.ListJobsRequest(), metadata=md)).jobs
