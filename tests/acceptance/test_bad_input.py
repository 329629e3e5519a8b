"""Bad input at the gRPC door of a real stack: a typed error each, and nothing lost."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from babelmill.jobs.v1 import artifact_service_pb2, job_pb2, job_service_pb2, job_service_pb2_grpc
from babelmill.jobs.v1 import artifact_service_pb2_grpc as artifact_grpc
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2
from tests.acceptance.conftest import Stack

CREATE = "/babelmill.jobs.v1.JobService/CreateJob"
HEARTBEAT = "/babelmill.jobs.v1.WorkerService/Heartbeat"

Metadata = tuple[tuple[str, str], ...]
RawMethod: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"


@pytest.fixture
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(stack.grpc, options=options) as channel:
        yield channel


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


def text_job(text: str = "Hello") -> job_service_pb2.CreateJobRequest:
    spec = translation_pb2.TranslateTextSpec(
        text=text, source_language="en", target_languages=["pt"]
    )
    return job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_text=spec))


def refusal(
    call: Callable[..., object], *arguments: object, **options: object
) -> tuple[grpc.Call, dict[str, Any]]:  # Any: google.rpc is published without types
    with pytest.raises(grpc.RpcError) as raised:
        call(*arguments, **options)
    error: object = raised.value
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    found: dict[str, Any] = {}
    for detail in status.details if status else ():
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                found[kind.__name__] = message
    return error, found


def test_violation_names_the_field_when_text_is_blank(stack: Stack, channel: grpc.Channel) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    for blank in ("", " \n\t", "…!?"):
        error, details = refusal(jobs.CreateJob, text_job(blank), metadata=bearer(stack.token))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        fields = [v.field for v in details["BadRequest"].field_violations]
        assert fields in (["spec.translate_text.text"], ["spec.translate_text.source"])
        assert details["ErrorInfo"].reason


@pytest.mark.matrix(4)
def test_enum_is_refused_when_unknown(stack: Stack, channel: grpc.Channel) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    request = text_job()
    request.priority = 77  # type: ignore[assignment]  # no such value
    error, details = refusal(jobs.CreateJob, request, metadata=bearer(stack.token))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details["BadRequest"].field_violations] == ["priority"]


@pytest.mark.matrix(48)
def test_preset_is_refused_when_unknown(stack: Stack, channel: grpc.Channel) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    spec = media_pb2.TranscodeSpec(artifact_id=str(uuid.uuid4()), preset="-i /etc/passwd")
    request = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(transcode=spec))
    error, _ = refusal(jobs.CreateJob, request, metadata=bearer(stack.token))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.matrix(1)
def test_message_is_refused_when_oversized(stack: Stack, channel: grpc.Channel) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    request = text_job("a" * (10 << 20))
    error, _ = refusal(jobs.CreateJob, request, metadata=bearer(stack.token))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.matrix(3)
@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x1a\x02\xff\xfe"])
def test_bytes_are_refused_when_no_protobuf(
    stack: Stack, channel: grpc.Channel, body: bytes
) -> None:
    raw: RawMethod = channel.unary_unary(CREATE)
    error, details = refusal(raw, body, metadata=bearer(stack.token))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details["ErrorInfo"].domain == "babelmill"


@pytest.mark.matrix(17)
@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer wrong"),),
        (("authorization", "Basic abc"),),
        (("authorization", "Bearer "),),
    ],
)
def test_caller_is_unauthenticated_when_token_is_wrong(
    channel: grpc.Channel, metadata: Metadata
) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    error, details = refusal(jobs.CreateJob, text_job(), metadata=metadata)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert details["ErrorInfo"].reason == "UNAUTHENTICATED"


@pytest.mark.matrix(18)
def test_caller_is_denied_when_role_is_wrong(stack: Stack, channel: grpc.Channel) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    error, details = refusal(jobs.CreateJob, text_job(), metadata=bearer(stack.worker_token))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert details["ErrorInfo"].reason == "WRONG_ROLE"


@pytest.mark.matrix(19)
def test_job_is_not_found_when_it_is_anothers(
    stack: Stack, channel: grpc.Channel, stranger_token: str
) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    mine = jobs.CreateJob(text_job("A private word."), metadata=bearer(stack.token)).job
    theirs = bearer(stranger_token)
    calls = (
        (jobs.GetJob, job_service_pb2.GetJobRequest(job_id=mine.job_id)),
        (jobs.CancelJob, job_service_pb2.CancelJobRequest(job_id=mine.job_id)),
        (jobs.ListJobEvents, job_service_pb2.ListJobEventsRequest(job_id=mine.job_id)),
    )
    for call, request in calls:
        error, details = refusal(call, request, metadata=theirs)
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert details["ErrorInfo"].reason == "JOB_NOT_FOUND"
    watch = job_service_pb2.WatchJobRequest(job_id=mine.job_id)
    error, _ = refusal(lambda: list(jobs.WatchJob(watch, metadata=theirs)))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    listed = jobs.ListJobs(job_service_pb2.ListJobsRequest(), metadata=theirs)
    assert mine.job_id not in {job.job_id for job in listed.jobs}


@pytest.mark.matrix(19)
def test_artifact_is_not_found_when_it_is_anothers(
    stack: Stack, channel: grpc.Channel, stranger_token: str
) -> None:
    artifacts = artifact_grpc.ArtifactServiceStub(channel)
    parts = (
        artifact_service_pb2.UploadArtifactRequest(
            header=artifact_service_pb2.UploadHeader(filename="a.txt", media_type="text/plain")
        ),
        artifact_service_pb2.UploadArtifactRequest(
            chunk=artifact_service_pb2.Chunk(offset=0, data=b"private")
        ),
    )
    mine = artifacts.UploadArtifact(iter(parts), metadata=bearer(stack.token)).artifact
    request = artifact_service_pb2.DownloadArtifactRequest(artifact_id=mine.artifact_id)
    error, _ = refusal(
        lambda: list(artifacts.DownloadArtifact(request, metadata=bearer(stranger_token)))
    )
    assert error.code() is grpc.StatusCode.NOT_FOUND
    jobs = job_service_pb2_grpc.JobServiceStub(channel)
    spec = media_pb2.TranscodeSpec(artifact_id=mine.artifact_id, preset="mp3")
    create = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(transcode=spec))
    error, _ = refusal(jobs.CreateJob, create, metadata=bearer(stranger_token))
    assert error.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.matrix(20)
def test_worker_calls_are_denied_when_a_client_makes_them(stack: Stack) -> None:
    with grpc.insecure_channel(stack.worker_grpc) as channel:
        heartbeat: RawMethod = channel.unary_unary(HEARTBEAT)
        error, _ = refusal(heartbeat, b"", metadata=bearer(stack.token))
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    with grpc.insecure_channel(stack.grpc) as channel:
        heartbeat = channel.unary_unary(HEARTBEAT)
        error, _ = refusal(heartbeat, b"", metadata=bearer(stack.worker_token))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
