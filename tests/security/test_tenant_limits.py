"""What a tenant may not have more of, at both doors: calls, calls at once, bytes, characters."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
import httpx
import pytest

from babelmill.jobs.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from babelmill.kit.wire.status_details import ErrorDetails, from_rpc_error
from babelmill.translation.v1 import translation_pb2
from tests.deadlines import eventually
from tests.security.doors import Doors, Metadata

RATE, BURST = 20, 40
ENVIRONMENT = {
    "BABELMILL_TENANT_METHOD_RATES": f"ListFormats={RATE},ListPresets=1",
    "BABELMILL_TENANT_METHODS_AT_ONCE": "WatchJob=3",
    "BABELMILL_MAX_WATCHERS_PER_TENANT": "2",
    "BABELMILL_TENANT_BYTES_PER_DAY": "100000",
    "BABELMILL_TENANT_CHARACTERS_PER_MONTH": "5000",
}


def _job(text: str) -> job_service_pb2.CreateJobRequest:
    spec = translation_pb2.TranslateTextSpec(
        text=text, source_language="en", target_languages=["pt"]
    )
    return job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_text=spec))


def _refused(call: object) -> ErrorDetails:
    with pytest.raises(grpc.RpcError) as caught:
        call()  # type: ignore[operator] # any call without arguments
    return from_rpc_error(caught.value)


def _formats(channel: grpc.Channel, caller: Metadata) -> None:
    stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)
    stub.ListFormats(catalog_service_pb2.ListFormatsRequest(), metadata=caller, timeout=20)


def _refusal(channel: grpc.Channel, caller: Metadata) -> ErrorDetails | None:
    try:
        _formats(channel, caller)
    except grpc.RpcError as error:
        return from_rpc_error(error)
    return None


@pytest.mark.matrix(27)
def test_calls_beyond_the_rate_are_refused_until_it_allows_more(
    doors: Doors, channel: grpc.Channel
) -> None:
    started = time.monotonic()
    answers = [_refusal(channel, doors.client) for _ in range(4 * BURST)]
    refused = [answer for answer in answers if answer is not None]
    allowed = BURST + RATE * (time.monotonic() - started) + 1
    assert 4 * BURST - len(refused) <= allowed
    assert refused, "the machine was too slow to be refused"
    first = refused[0]
    assert (first.code, first.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_CALLS",
    )
    assert first.metadata == {"method": "ListFormats", "limit_per_second": str(RATE)}
    assert first.quota_subject.startswith("tenant:")
    assert first.retry_after_seconds is not None
    assert 0 < first.retry_after_seconds <= 1 / RATE
    # Others, and other methods, are served all the while.
    _formats(channel, doors.other_client)
    doors.jobs(channel).ListJobs(
        job_service_pb2.ListJobsRequest(), metadata=doors.client, timeout=20
    )
    last = eventually(lambda: _refusal(channel, doors.client), interval_seconds=0)
    assert last.retry_after_seconds is not None
    time.sleep(last.retry_after_seconds)  # what it was told to wait, and no more
    _formats(channel, doors.client)


@pytest.mark.matrix(27)
def test_request_is_answered_429_when_the_rate_is_used_up(http: httpx.Client) -> None:
    answers = [http.get("/v1/presets") for _ in range(6)]
    assert answers[0].status_code == 200
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["reason"] == "TOO_MANY_CALLS"
    assert refused.json()["metadata"]["method"] == "ListPresets"


@contextmanager
def _watches(doors: Doors, channel: grpc.Channel, job_id: str, count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            watch = doors.jobs(channel).WatchJob(
                job_service_pb2.WatchJobRequest(job_id=job_id), metadata=doors.other_client
            )
            stack.callback(watch.cancel)
            next(watch)
        yield


@pytest.mark.matrix(7, 8)
def test_watches_beyond_the_cap_of_a_tenant_are_refused(
    doors: Doors, channel: grpc.Channel
) -> None:
    jobs = doors.jobs(channel)
    job_id = jobs.CreateJob(_job("hello"), metadata=doors.other_client).job.job_id
    request = job_service_pb2.WatchJobRequest(job_id=job_id)
    with _watches(doors, channel, job_id, 2):
        details = _refused(lambda: next(jobs.WatchJob(request, metadata=doors.other_client)))
        assert (details.code, details.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_WATCHERS",
        )
        assert details.retry_after_seconds
        assert (
            jobs.GetJob(
                job_service_pb2.GetJobRequest(job_id=job_id),
                metadata=doors.other_client,
                timeout=20,
            ).job.job_id
            == job_id
        )

    def watched_again() -> bool:
        try:
            next(jobs.WatchJob(request, metadata=doors.other_client))
        except grpc.RpcError:
            return False
        return True

    eventually(watched_again)


@pytest.mark.matrix(27)
def test_upload_and_job_are_refused_when_the_days_bytes_are_used_up(
    doors: Doors, http: httpx.Client
) -> None:
    def upload(size: int) -> httpx.Response:
        return http.post("/v1/artifacts", files={"file": ("a.bin", b"x" * size)})

    assert upload(99_990).status_code == 201
    text = {"text": "y" * 11, "source_language": "en", "target_languages": ["pt"]}
    refused = http.post("/v1/jobs", json={"spec": {"translate_text": text}})
    assert (refused.status_code, refused.json()["reason"]) == (429, "QUOTA_USED_UP")
    assert refused.json()["metadata"]["quota"] == "bytes_per_day"
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    assert upload(100).status_code in {201, 429}
    again = upload(1)
    assert (again.status_code, again.json()["reason"]) == (429, "QUOTA_USED_UP")
    with doors.http(doors.other_token) as other:
        assert other.post("/v1/artifacts", files={"file": ("a.bin", b"x")}).status_code == 201


@pytest.mark.matrix(27)
def test_text_is_refused_when_it_has_more_characters_than_the_month(
    doors: Doors, channel: grpc.Channel
) -> None:
    jobs = doors.jobs(channel)
    details = _refused(
        lambda: jobs.CreateJob(_job("z" * 5001), metadata=doors.other_client, timeout=20)
    )
    assert details.reason == "QUOTA_USED_UP"
    assert details.metadata["quota"] == "characters_per_month"
    assert jobs.CreateJob(_job("z" * 5000), metadata=doors.other_client, timeout=20).job.job_id


def test_workers_are_not_limited_when_clients_are(doors: Doors) -> None:
    with grpc.insecure_channel(doors.worker_address) as channel:
        stub = worker_service_pb2_grpc.WorkerServiceStub(channel)
        for _ in range(4 * BURST):
            stub.Heartbeat(
                worker_service_pb2.HeartbeatRequest(worker_id="worker@host:1"),
                metadata=doors.worker,
                timeout=20,
            )
