"""Retrying, deleting, queues and dead letters over the wire."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import grpc
import psycopg2
import pytest

from babelmill.jobs.v1 import (
    artifact_service_pb2,
    failure_pb2,
    job_pb2,
    job_service_pb2,
    lease_pb2,
    queue_service_pb2,
    worker_service_pb2,
)
from tests.integration.job_service_house import (
    WORKER,
    House,
    Metadata,
    open_house,
    refusal,
    take_message,
)
from tests.integration.test_job_service_workers import complete, lease_next

FLAKY = failure_pb2.Failure(reason="ENGINE_FAILED", message="It broke.", retryable=True)
HOPELESS = failure_pb2.Failure(reason="NOT_UTF8", message="The text is not UTF-8.")
DEADLINE_SECONDS = 20


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


async def fail(house: House, lease: lease_pb2.Lease, failure: failure_pb2.Failure) -> None:
    await house.workers.FailStep(
        worker_service_pb2.FailStepRequest(worker_id=WORKER, ref=lease.ref, failure=failure),
        metadata=house.worker,
    )


async def failed(house: House, redis_url: str, *targets: str) -> job_pb2.Job:
    """Make a job whose first target completes and whose others fail."""
    job = await house.create(*targets)
    for number in range(len(targets)):
        lease = await lease_next(house, redis_url)
        if number:
            await fail(house, lease, HOPELESS)
        else:
            await complete(house, lease, "feito")
    return await house.get(job.job_id)


async def dead(house: House, redis_url: str, database_url: str) -> job_pb2.Job:
    """Make a dead letter: its step has failed four times before it fails here."""
    job = await house.create("pt")
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE steps SET application_failures = 4 WHERE job_id = %s", (job.job_id,))
    connection.close()
    await fail(house, await lease_next(house, redis_url), FLAKY)
    return await house.get(job.job_id)


async def retry(house: House, job_id: str, **fields: object) -> job_service_pb2.RetryJobResponse:
    request = job_service_pb2.RetryJobRequest(job_id=job_id)
    for name, value in fields.items():
        setattr(request, name, value)
    return await house.jobs.RetryJob(request, metadata=house.client)


async def delete(house: House, job_id: str, metadata: Metadata | None = None) -> None:
    await house.jobs.DeleteJob(
        job_service_pb2.DeleteJobRequest(job_id=job_id), metadata=metadata or house.client
    )


async def replay(
    house: House, *job_ids: str, metadata: Metadata | None = None
) -> queue_service_pb2.ReplayDeadLettersResponse:
    return await house.queues.ReplayDeadLetters(
        queue_service_pb2.ReplayDeadLettersRequest(job_ids=job_ids),
        metadata=metadata or house.client,
    )


async def test_new_job_has_what_was_missing_when_one_is_retried(
    house: House, redis_url: str
) -> None:
    old = await failed(house, redis_url, "pt", "es")
    assert old.state == job_pb2.JOB_STATE_PARTIALLY_COMPLETED
    answer = await retry(house, old.job_id, request_id="again")
    assert answer.created
    assert answer.job.parent_job_id == old.job_id
    assert [target.key for target in answer.job.targets] == ["es"]
    assert answer.job.spec.translate_text.text == "Hello, world."
    assert answer.job.trace_id != old.trace_id
    again = await retry(house, old.job_id, request_id="again")
    assert (again.created, again.job.job_id) == (False, answer.job.job_id)
    await complete(house, await lease_next(house, redis_url), "hecho")
    done = await house.get(answer.job.job_id)
    assert (done.state, done.targets[0].text) == (job_pb2.JOB_STATE_COMPLETED, "hecho")
    whole = await retry(house, old.job_id, all_targets=True)
    assert [target.key for target in whole.job.targets] == ["pt", "es"]


async def test_new_job_has_the_trace_of_its_retry(house: House, redis_url: str) -> None:
    old = await failed(house, redis_url, "pt", "es")
    answer = await house.jobs.RetryJob(
        job_service_pb2.RetryJobRequest(job_id=old.job_id),
        metadata=(*house.client, ("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01")),
    )
    assert answer.job.trace_id == "ab" * 16
    message = await take_message(redis_url, "translation.normal")
    assert str(message.headers["traceparent"]).split("-")[1] == "ab" * 16


async def test_retry_is_refused_by_the_state_of_the_job(house: House, redis_url: str) -> None:
    job = await house.create("pt")
    details = await refusal(retry(house, job.job_id))
    assert (details.code, details.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE")
    await complete(house, await lease_next(house, redis_url), "feito")
    details = await refusal(retry(house, job.job_id))
    assert (details.code, details.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "JOB_SUCCEEDED",
    )


async def test_wrong_fields_are_named_when_ended_jobs_are_asked_for(house: House) -> None:
    for call, field in (
        (retry(house, "x"), "job_id"),
        (retry(house, str(uuid4()), request_id="\x00"), "request_id"),
        (delete(house, "x"), "job_id"),
        (replay(house), "job_ids"),
        (replay(house, *[str(uuid4())] * 101), "job_ids"),
        (replay(house, str(uuid4()), "x"), "job_ids[1]"),
    ):
        details = await refusal(call)
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in details.violations] == [field]


async def test_job_is_gone_with_its_output_when_deleted(house: House, redis_url: str) -> None:
    job = await failed(house, redis_url, "pt")
    (output,) = job.targets[0].outputs
    details = await refusal(delete(house, job.job_id, house.other_client))
    assert details.code is grpc.StatusCode.NOT_FOUND
    await delete(house, job.job_id)
    for call in (
        house.get(job.job_id),
        delete(house, job.job_id),
        house.artifacts.GetArtifact(
            artifact_service_pb2.GetArtifactRequest(artifact_id=output.artifact_id),
            metadata=house.client,
        ),
        house.jobs.ListJobEvents(
            job_service_pb2.ListJobEventsRequest(job_id=job.job_id), metadata=house.client
        ),
    ):
        assert (await refusal(call)).code is grpc.StatusCode.NOT_FOUND


async def test_job_is_not_deleted_when_it_has_not_ended(house: House) -> None:
    job = await house.create("pt")
    details = await refusal(delete(house, job.job_id))
    assert (details.code, details.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_ACTIVE")
    assert details.metadata["state"] in {"PENDING", "QUEUED"}


async def test_watch_is_refused_when_its_job_is_deleted(house: House, redis_url: str) -> None:
    job = await failed(house, redis_url, "pt")
    await delete(house, job.job_id)
    watch = house.jobs.WatchJob(
        job_service_pb2.WatchJobRequest(job_id=job.job_id, after_sequence=1),
        metadata=house.client,
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert (await refusal(watch)).code is grpc.StatusCode.NOT_FOUND


async def test_dead_letter_is_listed_and_replayed(
    house: House, redis_url: str, database_url: str
) -> None:
    letter = await dead(house, redis_url, database_url)
    assert letter.state == job_pb2.JOB_STATE_DEAD_LETTERED
    request = queue_service_pb2.ListDeadLettersRequest()
    (listed,) = (await house.queues.ListDeadLetters(request, metadata=house.client)).dead_letters
    assert (listed.job_id, listed.kind) == (letter.job_id, "translate_text")
    assert (listed.error.reason, listed.attempts) == ("ENGINE_FAILED", 1)
    assert listed.finish_time == letter.finish_time
    (made,) = (await replay(house, letter.job_id)).jobs
    assert made.parent_job_id == letter.job_id
    assert (await replay(house, letter.job_id)).jobs[0].job_id == made.job_id
    await complete(house, await lease_next(house, redis_url), "feito")
    assert (await house.get(made.job_id)).state == job_pb2.JOB_STATE_COMPLETED
    (listed,) = (await house.queues.ListDeadLetters(request, metadata=house.client)).dead_letters
    assert list(listed.replay_job_ids) == [made.job_id]


@pytest.mark.matrix(19)
async def test_dead_letters_are_kept_from_other_tenants(
    house: House, redis_url: str, database_url: str
) -> None:
    letter = await dead(house, redis_url, database_url)
    answer = await house.queues.ListDeadLetters(
        queue_service_pb2.ListDeadLettersRequest(), metadata=house.other_client
    )
    assert not answer.dead_letters
    details = await refusal(replay(house, letter.job_id, metadata=house.other_client))
    assert (details.code, details.reason) == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert details.metadata == {"job_id": letter.job_id}


async def test_other_jobs_are_not_replayed(house: House, redis_url: str) -> None:
    job = await failed(house, redis_url, "pt")
    details = await refusal(replay(house, job.job_id))
    assert (details.code, details.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "NOT_A_DEAD_LETTER",
    )
    assert details.metadata == {"job_id": job.job_id, "state": "COMPLETED"}


@pytest.mark.matrix(25)
async def test_pages_of_dead_letters_join_and_belong_to_their_reader(
    house: House, redis_url: str, database_url: str
) -> None:
    letters = [(await dead(house, redis_url, database_url)).job_id for _ in range(3)]
    seen: list[str] = []
    request = queue_service_pb2.ListDeadLettersRequest(page_size=2)
    for _ in range(2):
        page = await house.queues.ListDeadLetters(request, metadata=house.client)
        seen += [each.job_id for each in page.dead_letters]
        request.page_token = page.next_page_token
    assert seen == letters[::-1]
    assert not request.page_token
    first = await house.queues.ListDeadLetters(
        queue_service_pb2.ListDeadLettersRequest(page_size=2), metadata=house.client
    )
    wrong = queue_service_pb2.ListDeadLettersRequest(page_token=first.next_page_token)
    details = await refusal(house.queues.ListDeadLetters(wrong, metadata=house.other_client))
    assert [violation.field for violation in details.violations] == ["page_token"]
    # A token of another list does not continue this one.
    jobs = await house.jobs.ListJobs(
        job_service_pb2.ListJobsRequest(page_size=1), metadata=house.client
    )
    wrong.page_token = jobs.next_page_token
    details = await refusal(house.queues.ListDeadLetters(wrong, metadata=house.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_queues_tell_what_waits_and_runs(house: House, redis_url: str) -> None:
    await house.create("pt", "es", "fr")
    lease = await lease_next(house, redis_url)
    answer = await house.queues.ListQueues(
        queue_service_pb2.ListQueuesRequest(), metadata=house.client
    )
    queues = {queue.name: queue for queue in answer.queues}
    assert list(queues) == sorted(queues)
    busy = queues["translation.normal"]
    assert (busy.depth, busy.leased, busy.priority) == (2, 1, job_pb2.PRIORITY_NORMAL)
    assert busy.oldest_age.ToTimedelta().total_seconds() < DEADLINE_SECONDS
    assert not queues["media.urgent"].HasField("oldest_age")
    await complete(house, lease, "feito")
    answer = await house.queues.ListQueues(
        queue_service_pb2.ListQueuesRequest(), metadata=house.client
    )
    busy = next(queue for queue in answer.queues if queue.name == "translation.normal")
    assert busy.leased == 0
    assert busy.drain_rate == pytest.approx(1 / 60)


async def test_calls_need_a_clients_token(house: House) -> None:
    for metadata, code in (
        ((), grpc.StatusCode.UNAUTHENTICATED),
        (house.worker, grpc.StatusCode.PERMISSION_DENIED),
    ):
        for call in (
            house.queues.ListQueues(queue_service_pb2.ListQueuesRequest(), metadata=metadata),
            house.queues.ListDeadLetters(
                queue_service_pb2.ListDeadLettersRequest(), metadata=metadata
            ),
            house.jobs.DeleteJob(
                job_service_pb2.DeleteJobRequest(job_id=str(uuid4())), metadata=metadata
            ),
            house.jobs.RetryJob(
                job_service_pb2.RetryJobRequest(job_id=str(uuid4())), metadata=metadata
            ),
        ):
            assert (await refusal(call)).code is code


async def test_result_expires_by_itself_when_its_time_is_over(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    short = {"result_ttl_hours": 1 / 3600, "retention_hours": 1}
    async with open_house(database_url, redis_url, artifacts_directory, **short) as house:
        job = await failed(house, redis_url, "pt")
        (output,) = job.targets[0].outputs
        request = artifact_service_pb2.DownloadArtifactRequest(artifact_id=output.artifact_id)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await house.get(job.job_id)).targets[0].outputs:
                await asyncio.sleep(0.1)
        details = await refusal(house.artifacts.DownloadArtifact(request, metadata=house.client))
        assert (details.code, details.reason) == (
            grpc.StatusCode.NOT_FOUND,
            "ARTIFACT_EXPIRED",
        )
        done = await house.get(job.job_id)
        assert done.state == job_pb2.JOB_STATE_COMPLETED
        assert not done.targets[0].HasField("text")


async def test_job_goes_by_itself_when_its_time_is_over(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    short = {"retention_hours": 1 / 3600}
    async with open_house(database_url, redis_url, artifacts_directory, **short) as house:
        job = await failed(house, redis_url, "pt")
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await is_there(house, job.job_id):
                await asyncio.sleep(0.1)


async def is_there(house: House, job_id: str) -> bool:
    try:
        await house.get(job_id)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise
    return True
