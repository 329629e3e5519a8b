"""Channels against a real server on loopback, sync and aio."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from babelmill.jobs.v1 import (
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
)
from babelmill.kit.wire.channels import open_aio_channel, open_channel
from babelmill.kit.wire.trace_headers import without_tracing
from tests.deadlines import eventually


class _Service(
    job_service_pb2_grpc.JobServiceServicer, artifact_service_pb2_grpc.ArtifactServiceServicer
):
    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], float | None]] = []
        self.refusals = 0
        self.cancelled = threading.Event()

    def _take(self, method: str, context: grpc.ServicerContext) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.calls.append((method, metadata, context.time_remaining()))
        if self.refusals:
            self.refusals -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")

    def GetJob(  # noqa: N802 - the protocol's name
        self, request: job_service_pb2.GetJobRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.GetJobResponse:
        self._take("GetJob", context)
        return job_service_pb2.GetJobResponse()

    def CreateJob(  # noqa: N802 - the protocol's name
        self, request: job_service_pb2.CreateJobRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.CreateJobResponse:
        self._take("CreateJob", context)
        return job_service_pb2.CreateJobResponse(created=True)

    def WatchJob(  # noqa: N802 - the protocol's name
        self, request: job_service_pb2.WatchJobRequest, context: grpc.ServicerContext
    ) -> Iterator[job_service_pb2.WatchJobResponse]:
        self._take("WatchJob", context)
        context.add_callback(self.cancelled.set)
        yield job_service_pb2.WatchJobResponse()
        yield job_service_pb2.WatchJobResponse()
        self.cancelled.wait(20)

    def UploadArtifact(  # noqa: N802 - the protocol's name
        self,
        request_iterator: Iterator[artifact_service_pb2.UploadArtifactRequest],
        context: grpc.ServicerContext,
    ) -> artifact_service_pb2.UploadArtifactResponse:
        self._take("UploadArtifact", context)
        list(request_iterator)
        return artifact_service_pb2.UploadArtifactResponse()


@pytest.fixture
def service() -> _Service:
    return _Service()  # type: ignore[abstract]  # the generated base refuses the other calls


@pytest.fixture
def address(service: _Service) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    job_service_pb2_grpc.add_JobServiceServicer_to_server(service, server)
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    service.cancelled.set()
    server.stop(0).wait()


_exporter = InMemorySpanExporter()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(_exporter))
    # A process has one provider for good; other tests may have set it.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    _exporter.clear()
    return _exporter


def _parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_call_has_token_deadline_and_trace_when_made(
    service: _Service, address: str, spans: InMemorySpanExporter
) -> None:
    with open_channel(address, "secret") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        with trace.get_tracer("t").start_as_current_span("outer") as outer:
            stub.GetJob(job_service_pb2.GetJobRequest())
        with without_tracing():
            stub.GetJob(job_service_pb2.GetJobRequest(), timeout=5)
    (_, metadata, remaining), (_, untraced, shorter) = service.calls
    assert metadata["authorization"] == "Bearer secret"
    assert remaining is not None
    assert shorter is not None
    assert 25 < remaining <= 31
    assert shorter <= 6
    assert "traceparent" not in untraced
    (call,) = [span for span in spans.get_finished_spans() if span.name != "outer"]
    assert _parent_of(call) == outer.get_span_context().span_id
    assert metadata["traceparent"].split("-")[2] == f"{call.context.span_id:016x}"


@pytest.mark.parametrize(("method", "tries"), [("GetJob", 3), ("CreateJob", 1)])
def test_only_an_idempotent_call_is_repeated_when_the_service_is_away(
    service: _Service, address: str, method: str, tries: int
) -> None:
    service.refusals = 2
    with open_channel(address, "") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        if method == "GetJob":
            stub.GetJob(job_service_pb2.GetJobRequest())
        else:
            with pytest.raises(grpc.RpcError):
                stub.CreateJob(job_service_pb2.CreateJobRequest())
    assert [name for name, _, _ in service.calls] == [method] * tries
    assert "authorization" not in service.calls[0][1]


def test_watch_can_be_cancelled_and_its_span_is_not_current_when_it_streams(
    service: _Service, address: str, spans: InMemorySpanExporter
) -> None:
    with open_channel(address, "secret") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        call = stub.WatchJob(job_service_pb2.WatchJobRequest())
        assert next(call) is not None
        assert not trace.get_current_span().get_span_context().is_valid
        call.cancel()
        assert service.cancelled.wait(10)
        (span,) = eventually(spans.get_finished_spans)
    _, metadata, remaining = service.calls[0]
    assert metadata["authorization"] == "Bearer secret"
    assert metadata["traceparent"].split("-")[2] == f"{span.context.span_id:016x}"
    assert remaining is None or remaining > 1000
    assert span.attributes is not None
    assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]


def test_upload_has_token_and_span_when_streamed(
    service: _Service, address: str, spans: InMemorySpanExporter
) -> None:
    with open_channel(address, "secret") as channel:
        stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
        stub.UploadArtifact(iter([artifact_service_pb2.UploadArtifactRequest()]))
    assert service.calls[0][1]["authorization"] == "Bearer secret"
    (span,) = eventually(spans.get_finished_spans)
    assert span.name.endswith("/UploadArtifact")


def test_message_over_the_limit_is_refused_when_sent(service: _Service, address: str) -> None:
    with open_channel(address, "") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetJob(job_service_pb2.GetJobRequest(job_id="x" * (4 * 1024 * 1024 + 1)))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not service.calls


async def test_aio_call_has_token_deadline_and_trace_when_made(
    service: _Service, address: str, spans: InMemorySpanExporter
) -> None:
    async with open_aio_channel(address, "secret") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        with trace.get_tracer("t").start_as_current_span("outer") as outer:
            await stub.GetJob(job_service_pb2.GetJobRequest())
    ((_, metadata, remaining),) = service.calls
    assert metadata["authorization"] == "Bearer secret"
    assert remaining is not None
    assert 25 < remaining <= 31
    (call,) = [span for span in spans.get_finished_spans() if span.name != "outer"]
    assert _parent_of(call) == outer.get_span_context().span_id
    assert metadata["traceparent"].split("-")[2] == f"{call.context.span_id:016x}"


async def test_aio_call_is_repeated_when_the_service_is_away(
    service: _Service, address: str
) -> None:
    service.refusals = 2
    async with open_aio_channel(address, "") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        await stub.GetJob(job_service_pb2.GetJobRequest())
    assert len(service.calls) == 3


async def test_aio_watch_can_be_cancelled_when_it_streams(
    service: _Service, address: str, spans: InMemorySpanExporter
) -> None:
    async with open_aio_channel(address, "secret") as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        call = stub.WatchJob(job_service_pb2.WatchJobRequest())
        assert await call.read() is not grpc.aio.EOF
        assert not trace.get_current_span().get_span_context().is_valid
        call.cancel()
        assert await asyncio.to_thread(service.cancelled.wait, 10)
        (span,) = await asyncio.to_thread(eventually, spans.get_finished_spans)
    _, metadata, _ = service.calls[0]
    assert metadata["authorization"] == "Bearer secret"
    assert metadata["traceparent"].split("-")[2] == f"{span.context.span_id:016x}"
    assert span.attributes is not None
    assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]


async def test_aio_upload_has_token_and_span_when_streamed(
    service: _Service, address: str, spans: InMemorySpanExporter
) -> None:
    async with open_aio_channel(address, "secret") as channel:
        stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
        await stub.UploadArtifact(iter([artifact_service_pb2.UploadArtifactRequest()]))
    assert service.calls[0][1]["authorization"] == "Bearer secret"
    (span,) = await asyncio.to_thread(eventually, spans.get_finished_spans)
    assert span.attributes is not None
    assert span.attributes["rpc.grpc.status_code"] == 0
