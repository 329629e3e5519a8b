"""Calls at the gRPC door that no client library of ours would make."""

import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial

import grpc
import psycopg2
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.kit.wire.status_details import ErrorDetails, from_rpc_error
from babelmill.translation.v1 import translation_pb2
from tests.security.doors import Doors

MIB = 1024 * 1024
YEAR_SECONDS = 365 * 24 * 3600.0
SQL = (
    "'; DROP TABLE jobs; --",
    "x' OR '1'='1",
    "1; SELECT pg_sleep(30)",
    "') UNION SELECT token_hash FROM tokens --",
    "%", "_", "\\", "$1", ":name", "{0}", "*",
)  # fmt: skip


def request_of(text: str = "Hello, world.", **changes: object) -> job_service_pb2.CreateJobRequest:
    spec = translation_pb2.TranslateTextSpec(
        text=text, source_language="en", target_languages=["pt"]
    )
    request = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_text=spec))
    for name, value in changes.items():
        if isinstance(value, dict):
            getattr(request, name).update(value)
        else:
            setattr(request, name, value)
    return request


def refusal(call: Callable[[], object]) -> ErrorDetails:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return from_rpc_error(raised.value)


def count(doors: Doors, table: str) -> int:
    with psycopg2.connect(doors.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        (found,) = cursor.fetchone() or (0,)
    connection.close()
    return int(found)


@pytest.mark.matrix(2)
def test_memory_stays_flat_when_compressed_zeros_are_sent(doors: Doors) -> None:
    request = request_of("0" * (200 * MIB))
    with (
        grpc.insecure_channel(
            doors.grpc_address,
            compression=grpc.Compression.Gzip,
            options=[("grpc.max_send_message_length", -1)],
        ) as channel,
        doors.service.watching_memory() as peak,
    ):
        before = peak[0]
        call = doors.jobs(channel).CreateJob
        details = refusal(lambda: call(request, metadata=doors.client, timeout=30))
    assert details.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert peak[0] - before < 32 * MIB


@pytest.mark.matrix(10)
def test_watch_ends_cleanly_when_its_deadline_is_far_away(
    doors: Doors, channel: grpc.Channel
) -> None:
    jobs = doors.jobs(channel)
    for timeout in (YEAR_SECONDS, 100 * YEAR_SECONDS, None):
        job = jobs.CreateJob(request_of(), metadata=doors.client, timeout=timeout).job
        watch = jobs.WatchJob(
            job_service_pb2.WatchJobRequest(job_id=job.job_id),
            metadata=doors.client,
            timeout=timeout,
        )
        next(watch)
        jobs.CancelJob(job_service_pb2.CancelJobRequest(job_id=job.job_id), metadata=doors.client)
        last = list(watch)[-1]
        assert last.event.job_state_changed.state == job_pb2.JOB_STATE_CANCELLED
        assert watch.code() is grpc.StatusCode.OK


@pytest.mark.matrix(15)
@pytest.mark.parametrize("size", [-1, -(2**31), 2**31 - 1, 501])
def test_page_size_is_refused_when_out_of_range(
    doors: Doors, channel: grpc.Channel, size: int
) -> None:
    jobs = doors.jobs(channel)
    request = job_service_pb2.ListJobsRequest(page_size=size)
    details = refusal(lambda: jobs.ListJobs(request, metadata=doors.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details.violations] == ["page_size"]


@pytest.mark.matrix(15)
def test_numbers_are_refused_when_they_are_out_of_range(
    doors: Doors, channel: grpc.Channel
) -> None:
    jobs = doors.jobs(channel)
    job = jobs.CreateJob(request_of(), metadata=doors.client).job

    def watch(after: int) -> list[job_service_pb2.WatchJobResponse]:
        request = job_service_pb2.WatchJobRequest(job_id=job.job_id, after_sequence=after)
        return list(jobs.WatchJob(request, metadata=doors.client))

    assert refusal(lambda: watch(-1)).code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(lambda: watch(2**63 - 1)).code is grpc.StatusCode.OUT_OF_RANGE
    for stamp in (Timestamp(seconds=2**62), Timestamp(seconds=-(2**62)), Timestamp(nanos=-1)):
        request = request_of()
        request.deadline.CopyFrom(stamp)
        details = refusal(partial(jobs.CreateJob, request, metadata=doors.client))
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in details.violations] == ["deadline"]


@pytest.mark.matrix(15)
def test_lists_are_refused_at_once_when_they_are_endless(
    doors: Doors, channel: grpc.Channel
) -> None:
    jobs = doors.jobs(channel)
    many = request_of()
    many.spec.translate_text.target_languages.extend(["pt"] * 900_000)
    batch = job_service_pb2.BatchCreateJobsRequest(requests=[request_of("Hi.")] * 50_000)
    labels = request_of(labels={str(number): "x" for number in range(200_000)})
    filters = job_service_pb2.ListJobsRequest(
        filter=job_service_pb2.JobFilter(kinds=["translate_text"] * 200_000)
    )
    calls: Sequence[Callable[[], object]] = (
        lambda: jobs.CreateJob(many, metadata=doors.client),
        lambda: jobs.BatchCreateJobs(batch, metadata=doors.client),
        lambda: jobs.CreateJob(labels, metadata=doors.client),
        lambda: jobs.ListJobs(filters, metadata=doors.client),
    )
    before = count(doors, "jobs")
    for call in calls:
        details = refusal(call)
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT
        assert len(details.violations) <= 100, "the answer repeats what was sent"
    assert count(doors, "jobs") == before


@pytest.mark.matrix(16)
@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "a\x00b"},
        {"request_id": "\u202ecod.exe"},
        {"request_id": "x" * 129},
        {"labels": {"a\x00": "b"}},
        {"labels": {"a": "b\x00"}},
        {"labels": {"k" * 64: "v"}},
        {"labels": {"k": "v" * 256}},
    ],
)
def test_word_is_refused_when_it_cannot_be_kept(
    doors: Doors, channel: grpc.Channel, changes: dict[str, object]
) -> None:
    request = request_of("Hello.", **changes)
    details = refusal(lambda: doors.jobs(channel).CreateJob(request, metadata=doors.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.violations


@pytest.mark.matrix(16)
def test_text_comes_back_whole_when_it_is_odd(doors: Doors, channel: grpc.Channel) -> None:
    jobs = doors.jobs(channel)
    odd = "Bad \u202etxt\u202c \u200b \ufeff \U0001f469\u200d\U0001f52c a\u0301 \uffff \u2028 end"
    job = jobs.CreateJob(request_of(odd), metadata=doors.client).job
    request = job_service_pb2.GetJobRequest(job_id=job.job_id)
    found = jobs.GetJob(request, metadata=doors.client).job
    assert found.spec.translate_text.text == odd
    details = refusal(lambda: jobs.CreateJob(request_of("a\x00b"), metadata=doors.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details.violations] == ["spec.translate_text.text"]


@pytest.mark.matrix(24)
@pytest.mark.parametrize("sql", SQL)
def test_sql_is_taken_literally_when_sent_as_a_value(
    doors: Doors, channel: grpc.Channel, sql: str
) -> None:
    jobs = doors.jobs(channel)
    before = count(doors, "jobs")
    kinds = job_service_pb2.JobFilter(kinds=[sql])
    bad: Sequence[Callable[[], object]] = (
        lambda: jobs.GetJob(job_service_pb2.GetJobRequest(job_id=sql), metadata=doors.client),
        lambda: jobs.ListJobs(
            job_service_pb2.ListJobsRequest(page_token=sql), metadata=doors.client
        ),
        lambda: jobs.ListJobs(job_service_pb2.ListJobsRequest(filter=kinds), metadata=doors.client),
    )
    for call in bad:
        assert refusal(call).code is grpc.StatusCode.INVALID_ARGUMENT
    started = time.monotonic()
    labels = job_service_pb2.JobFilter(labels={"sql": sql})
    none = jobs.ListJobs(job_service_pb2.ListJobsRequest(filter=labels), metadata=doors.client)
    assert not none.jobs
    made = jobs.CreateJob(request_of(labels={"sql": sql}), metadata=doors.client).job
    found = jobs.ListJobs(job_service_pb2.ListJobsRequest(filter=labels), metadata=doors.client)
    assert [job.job_id for job in found.jobs] == [made.job_id]
    assert found.jobs[0].labels["sql"] == sql
    assert time.monotonic() - started < 10
    assert count(doors, "jobs") == before + 1


@pytest.mark.matrix(26)
def test_job_is_its_own_when_another_tenant_has_used_the_request_id(
    doors: Doors, channel: grpc.Channel
) -> None:
    jobs = doors.jobs(channel)
    request = request_of("A private word.", request_id=uuid.uuid4().hex)
    ours = jobs.CreateJob(request, metadata=doors.client)
    theirs = jobs.CreateJob(request, metadata=doors.other_client)
    assert theirs.created
    assert theirs.job.job_id != ours.job.job_id
    other = request_of("Another word.", request_id=request.request_id)
    details = refusal(lambda: jobs.CreateJob(other, metadata=doors.other_client))
    assert (details.code, details.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "IDEMPOTENCY_MISMATCH",
    )
    assert ours.job.job_id not in str(details)


@pytest.mark.matrix(40, 45)
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://example.com/1",
        "data:text/html,hello",
        "ftp://example.com/a",
        "jar:http://example.com!/a",
        "javascript:alert(1)",
        "//example.com/a",
        "http://user:word@example.com/",
        "http://user@example.com/",
        "http:///etc/passwd",
    ],
)
def test_address_is_refused_at_the_door_when_it_is_not_of_the_web(
    doors: Doors, channel: grpc.Channel, url: str
) -> None:
    spec = translation_pb2.TranslateUrlSpec(url=url, target_languages=["pt"])
    request = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_url=spec))
    details = refusal(lambda: doors.jobs(channel).CreateJob(request, metadata=doors.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details.violations] == ["spec.translate_url.url"]
    assert "word@" not in str(details)
    assert b"word@" not in doors.service.raw_log()


@pytest.mark.matrix(56)
@pytest.mark.parametrize(
    "headers",
    [
        (("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"),),
        (("traceparent", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01"),),
        (("traceparent", "x" * 4000),),
        (("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"), ("tracestate", "k=v," * 900)),
        (("baggage", ",".join(f"key{n}=value" for n in range(300))),),
    ],
)
def test_job_has_a_trace_of_its_own_when_the_header_is_broken(
    doors: Doors, channel: grpc.Channel, headers: tuple[tuple[str, str], ...]
) -> None:
    metadata = doors.client + headers
    job = doors.jobs(channel).CreateJob(request_of(), metadata=metadata).job
    assert len(job.trace_id) == 32
    assert set(job.trace_id) != {"0"}
    for store in ("jobs", "steps"):
        with psycopg2.connect(doors.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT max(length({store}::text)) FROM {store}")
            (longest,) = cursor.fetchone() or (0,)
        connection.close()
        assert longest < 3000, f"a trace header was kept in {store}"
