"""The workers' side of the job service, as a peer that records what a worker tells it."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from datetime import timedelta

import celery
import grpc
from google.protobuf.duration_pb2 import Duration
from kombu.entity import Exchange, Queue

from babelmill.jobs.v1 import (
    artifact_pb2,
    failure_pb2,
    lease_pb2,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status
from babelmill.kit.wire.step_message import TASK_NAME, TRACEPARENT_HEADER, StepMessage, queue_name

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class PeerStep:
    script: dict[str, object]
    step_id: uuid.UUID = field(default_factory=uuid.uuid4)
    generation: int = 1
    ttl_seconds: float = 30
    timeout_seconds: float = 60
    directive: lease_pb2.LeaseDirective.ValueType = lease_pb2.LEASE_DIRECTIVE_CONTINUE
    refuse_complete: ErrorDetails | None = None

    @property
    def message(self) -> StepMessage:
        return StepMessage(self.step_id, self.generation)

    @property
    def job_id(self) -> uuid.UUID:
        return uuid.uuid5(self.step_id, "job")


@dataclass(frozen=True)
class Call:
    method: str
    step_id: str
    request: object
    metadata: dict[str, str]


class WorkerPeer(worker_service_pb2_grpc.WorkerServiceServicer):
    """Starts listening on a loopback port; `stop` ends it, `start` brings it back."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.steps: dict[str, PeerStep] = {}
        self.unavailable: set[str] = set()
        self.memory: dict[bytes, bytes] = {}
        self._changed = threading.Condition()
        self._server: grpc.Server | None = None
        self.port = 0

    def start(self) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        worker_service_pb2_grpc.add_WorkerServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None

    def add(self, step: PeerStep) -> PeerStep:
        self.steps[str(step.step_id)] = step
        return step

    def of(self, method: str, step: PeerStep | None = None) -> list[Call]:
        with self._changed:
            return [
                call
                for call in self.calls
                if call.method == method and (step is None or call.step_id == str(step.step_id))
            ]

    def wait_for(
        self, method: str, step: PeerStep | None = None, *, timeout_seconds: float = 30
    ) -> Call:
        """The first call of a method about a step."""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: bool(self.of(method, step)), timeout=timeout_seconds
            )
        assert arrived, f"no {method}; calls: {[call.method for call in self.calls]}"
        return self.of(method, step)[0]

    def AnnounceWorker(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.AnnounceWorkerRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.AnnounceWorkerResponse:
        self._take("AnnounceWorker", "", request, context)
        return worker_service_pb2.AnnounceWorkerResponse(announce_interval=Duration(seconds=1))

    def AcquireLeases(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.AcquireLeasesRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.AcquireLeasesResponse:
        (ref,) = request.refs
        self._take("AcquireLeases", ref.step_id, request, context)
        step = self.steps.get(ref.step_id)
        if step is None or step.generation != ref.generation:
            return worker_service_pb2.AcquireLeasesResponse(refused=[ref])
        return worker_service_pb2.AcquireLeasesResponse(leases=[_lease(step, ref)])

    def Heartbeat(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.HeartbeatRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.HeartbeatResponse:
        statuses = []
        for report in request.reports:
            self._take("Heartbeat", report.ref.step_id, report, context)
            directive = self.steps[report.ref.step_id].directive
            statuses.append(lease_pb2.LeaseStatus(ref=report.ref, directive=directive))
        return worker_service_pb2.HeartbeatResponse(statuses=statuses)

    def CompleteStep(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.CompleteStepRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.CompleteStepResponse:
        self._take("CompleteStep", request.ref.step_id, request, context)
        refusal = self.steps[request.ref.step_id].refuse_complete
        if refusal is not None:
            context.abort_with_status(to_rpc_status(refusal))
        return worker_service_pb2.CompleteStepResponse()

    def FailStep(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.FailStepRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.FailStepResponse:
        self._take("FailStep", request.ref.step_id, request, context)
        return worker_service_pb2.FailStepResponse()

    def RecallSegments(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.RecallSegmentsRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.RecallSegmentsResponse:
        self._take("RecallSegments", request.ref.step_id, request, context)
        return worker_service_pb2.RecallSegmentsResponse(
            entries=[
                worker_service_pb2.MemoryEntry(key=key, value=self.memory[key])
                for key in request.keys
                if key in self.memory
            ]
        )

    def RememberSegments(  # noqa: N802 - the protocol's name
        self, request: worker_service_pb2.RememberSegmentsRequest, context: grpc.ServicerContext
    ) -> worker_service_pb2.RememberSegmentsResponse:
        self._take("RememberSegments", request.ref.step_id, request, context)
        self.memory.update((entry.key, entry.value) for entry in request.entries)
        return worker_service_pb2.RememberSegmentsResponse()

    def _take(
        self, method: str, step_id: str, request: object, context: grpc.ServicerContext
    ) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        with self._changed:
            self.calls.append(Call(method, step_id, request, metadata))
            self._changed.notify_all()
        if method in self.unavailable:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")


def failure_of(call: Call) -> failure_pb2.Failure:
    assert isinstance(call.request, worker_service_pb2.FailStepRequest)
    return call.request.failure


def outputs_of(call: Call) -> list[lease_pb2.StepOutput]:
    assert isinstance(call.request, worker_service_pb2.CompleteStepRequest)
    return list(call.request.outputs)


def _lease(step: PeerStep, ref: lease_pb2.LeaseRef) -> lease_pb2.Lease:
    text = json.dumps(step.script).encode()
    ttl, timeout = Duration(), Duration()
    ttl.FromTimedelta(timedelta(seconds=step.ttl_seconds))
    timeout.FromTimedelta(timedelta(seconds=step.timeout_seconds))
    source = lease_pb2.StoredContent(
        inline=text,
        digest=artifact_pb2.Digest(sha256=hashlib.sha256(text).hexdigest(), size_bytes=len(text)),
    )
    return lease_pb2.Lease(
        ref=ref,
        job_id=str(step.job_id),
        step_name="translate[pt]",
        attempt=1,
        ttl=ttl,
        timeout=timeout,
        traceparent=TRACEPARENT,
        work=lease_pb2.Work(translate_text=lease_pb2.TranslateTextWork(source=source)),
        staging_prefix=f"staging/{step.step_id}/{ref.lease_id}",
    )


def publisher(redis_url: str) -> Callable[..., None]:
    """A function that publishes a step as the relay does."""
    app = celery.Celery("peer", broker=redis_url)

    def publish(step: PeerStep, priority: str = "normal", traceparent: str = TRACEPARENT) -> None:
        name = queue_name("translation", priority)
        nowhere = Exchange("", type="direct")  # type: ignore[no-untyped-call]  # kombu is half typed
        queue = Queue(name, nowhere, routing_key=name)  # type: ignore[no-untyped-call]  # as above
        app.send_task(
            TASK_NAME,
            kwargs=step.message.to_kwargs(),
            queue=queue,
            headers={TRACEPARENT_HEADER: traceparent} if traceparent else {},
            ignore_result=True,
        )

    return publish
