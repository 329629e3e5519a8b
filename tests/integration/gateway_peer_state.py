"""The state of a protocol peer: what its servicers serve, and how a test disturbs it.

It keeps jobs and artifacts in memory, and a test makes it refuse, break off,
or go away and come back on the same port.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    job_event_pb2,
    job_pb2,
    progress_pb2,
)
from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status

TOKEN = "peer-token"

# Any: servicer contexts are generic in types that no test needs.
Context = Any
FINAL = frozenset(
    {
        job_pb2.JOB_STATE_COMPLETED,
        job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
        job_pb2.JOB_STATE_FAILED,
        job_pb2.JOB_STATE_CANCELLED,
    }
)


@dataclass
class ReceivedUpload:
    """What came of one UploadArtifact call."""

    header: artifact_service_pb2.UploadHeader
    size_bytes: int = 0
    largest_chunk_bytes: int = 0
    sha256: str = ""
    ended: str = ""


@dataclass
class StoredJob:
    """A job and its events."""

    job: job_pb2.Job
    events: list[job_event_pb2.JobEvent] = field(default_factory=list)


class Peer:
    """State shared by the servicers."""

    def __init__(self, services: Sequence[Callable[["Peer", grpc.aio.Server], None]]) -> None:
        self.services = services
        self.jobs: dict[str, StoredJob] = {}
        self.by_request_id: dict[str, str] = {}
        self.artifacts: dict[str, artifact_pb2.Artifact] = {}
        self.contents: dict[str, bytes] = {}
        self.uploads: list[ReceivedUpload] = []
        self.refusals: dict[str, ErrorDetails] = {}
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, str]] = []
        self.watchers = 0
        self.watches_opened = 0
        self.keep_contents = True
        # How long an upload that is ended early goes unread before.
        self.early_end_seconds: float | None = None
        self.break_download_after: int | None = None
        self.changed = asyncio.Condition()
        self.port = 0
        self._server: grpc.aio.Server | None = None
        self.health = HealthServicer()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        server = grpc.aio.server()
        for register in self.services:
            register(self, server)
        add_HealthServicer_to_server(self.health, server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def enter(self, method: str, request: Any, context: Context) -> None:
        metadata = {k: v for k, v in context.invocation_metadata() if isinstance(v, str)}
        self.requests.append((method, request))
        self.metadata.append(metadata)
        if metadata.get("authorization") != f"Bearer {TOKEN}":
            await context.abort_with_status(
                to_rpc_status(
                    ErrorDetails(
                        grpc.StatusCode.UNAUTHENTICATED, "No valid token.", "UNAUTHENTICATED"
                    )
                )
            )
        refusal = self.refusals.get(method)
        if refusal is not None:
            await context.abort_with_status(to_rpc_status(refusal))

    async def find(self, job_id: str, context: Context) -> StoredJob:
        found = self.jobs.get(job_id)
        if found is None:
            await context.abort_with_status(
                to_rpc_status(
                    ErrorDetails(
                        grpc.StatusCode.NOT_FOUND, "There is no such job.", "JOB_NOT_FOUND"
                    )
                )
            )
        assert found is not None
        return found

    def add_job(self, **fields: Any) -> StoredJob:
        job = job_pb2.Job(
            job_id=str(uuid.uuid4()),
            state=job_pb2.JOB_STATE_PENDING,
            priority=job_pb2.PRIORITY_NORMAL,
        )
        job.MergeFrom(job_pb2.Job(**fields))
        job.create_time.GetCurrentTime()
        stored = self.jobs[job.job_id] = StoredJob(job)
        return stored

    async def change(self, stored: StoredJob, state: job_pb2.JobState.ValueType) -> None:
        """Append the event of a new job state."""
        event = job_event_pb2.JobEvent(
            job_id=stored.job.job_id,
            sequence=len(stored.events) + 1,
            job_state_changed=job_event_pb2.JobStateChanged(
                previous=stored.job.state if stored.events else job_pb2.JOB_STATE_UNSPECIFIED,
                state=state,
            ),
        )
        event.event_time.GetCurrentTime()
        async with self.changed:
            stored.events.append(event)
            stored.job.state = state
            stored.job.sequence = event.sequence
            self.changed.notify_all()

    async def report(self, stored: StoredJob, percent: float) -> None:
        """Report progress, which has no number."""
        async with self.changed:
            stored.job.progress.CopyFrom(
                progress_pb2.Progress(
                    unit=progress_pb2.PROGRESS_UNIT_CHARACTERS,
                    done=percent,
                    total=100,
                    percent=percent,
                )
            )
            self.changed.notify_all()

    def add_artifact(self, content: bytes, **fields: Any) -> artifact_pb2.Artifact:
        artifact = artifact_pb2.Artifact(
            artifact_id=str(uuid.uuid4()),
            state=artifact_pb2.ARTIFACT_STATE_READY,
            filename="clip.mp4",
            media_type="video/mp4",
        )
        artifact.MergeFrom(artifact_pb2.Artifact(**fields))
        artifact.digest.sha256 = hashlib.sha256(content).hexdigest()
        artifact.digest.size_bytes = len(content)
        self.artifacts[artifact.artifact_id] = artifact
        self.contents[artifact.artifact_id] = content
        return artifact
