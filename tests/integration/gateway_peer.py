"""A protocol peer: the client services of the contract, served for real over gRPC.

It keeps jobs and artifacts in memory, and a test makes it refuse, break off,
or go away and come back on the same port.
"""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from typing_extensions import override

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    job_event_pb2,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    progress_pb2,
)
from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status

TOKEN = "peer-token"
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

    def __init__(self) -> None:
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
        job_service_pb2_grpc.add_JobServiceServicer_to_server(Jobs(self), server)
        artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(Artifacts(self), server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(Catalog(self), server)
        add_HealthServicer_to_server(self.health, server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def enter(self, method: str, request: Any, context: Any) -> None:
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

    async def find(self, job_id: str, context: Any) -> StoredJob:
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


class Jobs(job_service_pb2_grpc.JobServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def _create(
        self, request: job_service_pb2.CreateJobRequest
    ) -> job_service_pb2.CreateJobResponse:
        known = self.peer.by_request_id.get(request.request_id) if request.request_id else None
        if known is not None:
            return job_service_pb2.CreateJobResponse(job=self.peer.jobs[known].job, created=False)
        stored = self.peer.add_job(
            spec=request.spec,
            priority=request.priority,
            labels=request.labels,
            request_id=request.request_id,
        )
        if request.HasField("deadline"):
            stored.job.deadline.CopyFrom(request.deadline)
        self.peer.by_request_id[request.request_id] = stored.job.job_id
        return job_service_pb2.CreateJobResponse(job=stored.job, created=True)

    @override
    async def CreateJob(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("CreateJob", request, context)
        return self._create(request)

    @override
    async def BatchCreateJobs(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("BatchCreateJobs", request, context)
        return job_service_pb2.BatchCreateJobsResponse(
            responses=[self._create(each) for each in request.requests]
        )

    @override
    async def GetJob(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("GetJob", request, context)
        stored = await self.peer.find(request.job_id, context)
        return job_service_pb2.GetJobResponse(job=stored.job)

    @override
    async def ListJobs(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("ListJobs", request, context)
        return job_service_pb2.ListJobsResponse(
            jobs=[stored.job for stored in self.peer.jobs.values()], next_page_token="next"
        )

    @override
    async def CancelJob(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("CancelJob", request, context)
        stored = await self.peer.find(request.job_id, context)
        stored.job.state = job_pb2.JOB_STATE_CANCELLING
        return job_service_pb2.CancelJobResponse(job=stored.job)

    @override
    async def WatchJob(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("WatchJob", request, context)
        stored = await self.peer.find(request.job_id, context)
        self.peer.watchers += 1
        self.peer.watches_opened += 1
        try:
            if request.HasField("after_sequence"):
                position = request.after_sequence
            else:
                position = stored.job.sequence
                yield job_service_pb2.WatchJobResponse(sequence=position, snapshot=stored.job)
            percent = stored.job.progress.percent
            while True:
                while position < len(stored.events):
                    event = stored.events[position]
                    position += 1
                    yield job_service_pb2.WatchJobResponse(sequence=position, event=event)
                if stored.job.state in FINAL:
                    return
                if stored.job.progress.percent > percent:
                    percent = stored.job.progress.percent
                    yield job_service_pb2.WatchJobResponse(
                        sequence=position, progress=stored.job.progress
                    )
                async with self.peer.changed:
                    if position == len(stored.events) and stored.job.progress.percent == percent:
                        await self.peer.changed.wait()
        finally:
            self.peer.watchers -= 1


class Artifacts(artifact_service_pb2_grpc.ArtifactServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @override
    async def UploadArtifact(self, request_iterator, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("UploadArtifact", None, context)
        header = (await anext(request_iterator)).header
        received = ReceivedUpload(header)
        self.peer.uploads.append(received)
        broken = asyncio.Event()
        context.add_done_callback(lambda _: broken.set())
        digest, content = hashlib.sha256(), bytearray()
        try:
            async for request in request_iterator:
                assert request.chunk.offset == header.offset + received.size_bytes
                received.size_bytes += len(request.chunk.data)
                received.largest_chunk_bytes = max(
                    received.largest_chunk_bytes, len(request.chunk.data)
                )
                digest.update(request.chunk.data)
                if self.peer.keep_contents:
                    content += request.chunk.data
            # A reset ends the requests as if they were whole; its news follow.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await broken.wait()
                    raise asyncio.CancelledError
        except asyncio.CancelledError:
            received.ended = "cancelled"
            raise
        received.ended, received.sha256 = "finished", digest.hexdigest()
        artifact = artifact_pb2.Artifact(
            artifact_id=header.artifact_id or str(uuid.uuid4()),
            state=artifact_pb2.ARTIFACT_STATE_READY,
            filename=header.filename,
            media_type=header.media_type,
        )
        artifact.digest.sha256 = received.sha256
        artifact.digest.size_bytes = header.offset + received.size_bytes
        self.peer.artifacts[artifact.artifact_id] = artifact
        self.peer.contents[artifact.artifact_id] = bytes(content)
        return artifact_service_pb2.UploadArtifactResponse(artifact=artifact)

    async def _find(self, artifact_id: str, context: Any) -> artifact_pb2.Artifact:
        found = self.peer.artifacts.get(artifact_id)
        if found is None:
            await context.abort_with_status(
                to_rpc_status(
                    ErrorDetails(
                        grpc.StatusCode.NOT_FOUND,
                        "There is no such artifact.",
                        "ARTIFACT_NOT_FOUND",
                    )
                )
            )
        assert found is not None
        return found

    @override
    async def GetArtifact(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("GetArtifact", request, context)
        return artifact_service_pb2.GetArtifactResponse(
            artifact=await self._find(request.artifact_id, context)
        )

    @override
    async def DownloadArtifact(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("DownloadArtifact", request, context)
        artifact = await self._find(request.artifact_id, context)
        yield artifact_service_pb2.DownloadArtifactResponse(artifact=artifact)
        content = self.peer.contents[request.artifact_id]
        sent = 0
        for start in range(request.offset, len(content), 64 * 1024):
            limit = self.peer.break_download_after
            if limit is not None and sent >= limit:
                self.peer.break_download_after = None
                await context.abort(grpc.StatusCode.UNAVAILABLE, "broken off")
            data = content[start : start + 64 * 1024]
            sent += len(data)
            yield artifact_service_pb2.DownloadArtifactResponse(
                chunk=artifact_service_pb2.Chunk(offset=start, data=data)
            )


class Catalog(catalog_service_pb2_grpc.CatalogServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @override
    async def ListEngines(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("ListEngines", request, context)
        response = catalog_service_pb2.ListEnginesResponse()
        response.engines.add(name="bergamot", version="0.2.0", description="Neural.")
        return response

    @override
    async def ListLanguagePairs(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("ListLanguagePairs", request, context)
        response = catalog_service_pb2.ListLanguagePairsResponse()
        pair = response.pairs.add(source_language="en", target_language="pt")
        pair.hops.add(engine="bergamot", source_language="en", target_language="pt")
        return response

    @override
    async def ListPresets(self, request, context):  # type: ignore[no-untyped-def]
        await self.peer.enter("ListPresets", request, context)
        response = catalog_service_pb2.ListPresetsResponse()
        response.presets.add(
            name="mp3", kind=2, description="MP3.", file_extension="mp3", media_type="audio/mpeg"
        )
        return response


@contextlib.asynccontextmanager
async def running_peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()
