"""Calls of the job service on behalf of many callers, over one shared channel.

`babelmill.client.AsyncClient` speaks for one token; here each call carries its
own. Everything else (errors, cursors, resumption) is the client library's.
"""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from babelmill.client.async_stream import AsyncResumableStream
from babelmill.client.download_cursor import DownloadCursor
from babelmill.client.errors import error_from_rpc
from babelmill.client.resumption import ResumePolicy
from babelmill.client.updates import Update
from babelmill.client.watch_cursor import WatchCursor
from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    queue_service_pb2,
    queue_service_pb2_grpc,
)
from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.wire.trace_headers import without_tracing
from gateway.jobs_client.caller import Caller
from gateway.jobs_client.glossaries import GlossariesClient
from gateway.jobs_client.upload import upload
from gateway.jobs_client.webhooks import WebhooksClient

T = TypeVar("T")

Watch = AsyncResumableStream[
    job_service_pb2.WatchJobRequest, job_service_pb2.WatchJobResponse, Update
]
Download = AsyncResumableStream[
    artifact_service_pb2.DownloadArtifactRequest,
    artifact_service_pb2.DownloadArtifactResponse,
    bytes,
]

_HEALTH_DEADLINE_SECONDS = 2.0
# The service sends a keep-alive every 15 s; a watch silent for longer is dead.
_STALL_SECONDS = 45.0


class JobsClient:
    """Speaks to the job service. Every method raises BabelmillError for a failed call."""

    def __init__(
        self, channel: grpc.aio.Channel, policy: ResumePolicy, *, deadline_seconds: float
    ) -> None:
        self._jobs = job_service_pb2_grpc.JobServiceStub(channel)
        self._artifacts = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self._queues = queue_service_pb2_grpc.QueueServiceStub(channel)
        self.glossaries = GlossariesClient(channel, deadline_seconds=deadline_seconds)
        self.webhooks = WebhooksClient(channel, deadline_seconds=deadline_seconds)
        self._health = health_pb2_grpc.HealthStub(channel)
        self._policy = policy
        self._deadline_seconds = deadline_seconds

    async def is_serving(self) -> bool:
        """Ask the job service for its health; false also when it cannot be reached."""
        try:
            with without_tracing():
                answer = await self._health.Check(  # type: ignore[attr-defined]  # not in the stubs
                    health_pb2.HealthCheckRequest(), timeout=_HEALTH_DEADLINE_SECONDS
                )
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def create_job(
        self, caller: Caller, request: job_service_pb2.CreateJobRequest
    ) -> job_service_pb2.CreateJobResponse:
        """Submit a job."""
        failpoint("gateway.create.before_call")
        created = await self._unary(
            self._jobs.CreateJob(request, metadata=caller.metadata, timeout=self._deadline_seconds)
        )
        failpoint("gateway.create.after_call")
        return created

    async def create_jobs(
        self, caller: Caller, request: job_service_pb2.BatchCreateJobsRequest
    ) -> job_service_pb2.BatchCreateJobsResponse:
        """Submit several jobs, all or none."""
        return await self._unary(
            self._jobs.BatchCreateJobs(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    async def get_job(self, caller: Caller, job_id: str) -> job_pb2.Job:
        """Get a job as it is now."""
        answer = await self._unary(
            self._jobs.GetJob(
                job_service_pb2.GetJobRequest(job_id=job_id),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )
        return answer.job

    async def list_jobs(
        self, caller: Caller, request: job_service_pb2.ListJobsRequest
    ) -> job_service_pb2.ListJobsResponse:
        """Get a page of jobs."""
        return await self._unary(
            self._jobs.ListJobs(request, metadata=caller.metadata, timeout=self._deadline_seconds)
        )

    async def cancel_job(self, caller: Caller, job_id: str) -> job_pb2.Job:
        """Ask for a job to be stopped."""
        answer = await self._unary(
            self._jobs.CancelJob(
                job_service_pb2.CancelJobRequest(job_id=job_id),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )
        return answer.job

    async def retry_job(
        self, caller: Caller, request: job_service_pb2.RetryJobRequest
    ) -> job_service_pb2.RetryJobResponse:
        """Make a new job from one that has ended."""
        return await self._unary(
            self._jobs.RetryJob(request, metadata=caller.metadata, timeout=self._deadline_seconds)
        )

    async def delete_job(self, caller: Caller, job_id: str) -> None:
        """Remove a job that has ended."""
        await self._unary(
            self._jobs.DeleteJob(
                job_service_pb2.DeleteJobRequest(job_id=job_id),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def list_queues(self, caller: Caller) -> queue_service_pb2.ListQueuesResponse:
        """Get all queues."""
        return await self._unary(
            self._queues.ListQueues(
                queue_service_pb2.ListQueuesRequest(),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def list_dead_letters(
        self, caller: Caller, page_size: int, page_token: str
    ) -> queue_service_pb2.ListDeadLettersResponse:
        """Get a page of dead letters."""
        return await self._unary(
            self._queues.ListDeadLetters(
                queue_service_pb2.ListDeadLettersRequest(
                    page_size=page_size, page_token=page_token
                ),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def replay_dead_letters(
        self, caller: Caller, job_ids: Sequence[str]
    ) -> queue_service_pb2.ReplayDeadLettersResponse:
        """Make new jobs from dead letters, all or none."""
        return await self._unary(
            self._queues.ReplayDeadLetters(
                queue_service_pb2.ReplayDeadLettersRequest(job_ids=job_ids),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def list_events(
        self, caller: Caller, request: job_service_pb2.ListJobEventsRequest
    ) -> job_service_pb2.ListJobEventsResponse:
        """Get a page of a job's events."""
        return await self._unary(
            self._jobs.ListJobEvents(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    def watch_job(self, caller: Caller, job_id: str, after_sequence: int | None) -> Watch:
        """Open a watch that resumes by itself. Close it."""
        cursor = WatchCursor(job_id, after_sequence, self._policy)

        async def on_end() -> float:
            return cursor.ended(await self.get_job(caller, job_id))

        return AsyncResumableStream(
            cursor,
            lambda request: self._jobs.WatchJob(request, metadata=caller.metadata),
            on_end,
            _STALL_SECONDS,
        )

    async def get_artifact(self, caller: Caller, artifact_id: str) -> artifact_pb2.Artifact:
        """Get what is known of an artifact."""
        answer = await self._unary(
            self._artifacts.GetArtifact(
                artifact_service_pb2.GetArtifactRequest(artifact_id=artifact_id),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )
        return answer.artifact

    async def list_artifacts(
        self, caller: Caller, request: artifact_service_pb2.ListArtifactsRequest
    ) -> artifact_service_pb2.ListArtifactsResponse:
        """Get a page of uploads, newest first."""
        return await self._unary(
            self._artifacts.ListArtifacts(
                request, metadata=caller.metadata, timeout=self._deadline_seconds
            )
        )

    async def upload(
        self,
        caller: Caller,
        header: artifact_service_pb2.UploadHeader,
        content: AsyncIterator[bytes],
    ) -> artifact_pb2.Artifact:
        """Upload content from the header's offset on; see `upload.upload`."""
        return await upload(
            lambda parts: self._artifacts.UploadArtifact(parts, metadata=caller.metadata),
            header,
            content,
        )

    def download(self, caller: Caller, artifact_id: str, offset: int) -> Download:
        """Open a download from an offset that resumes by itself. Close it."""
        cursor = DownloadCursor(artifact_id, offset, self._policy)

        async def on_end() -> float:
            return cursor.ended()

        return AsyncResumableStream(
            cursor,
            lambda request: self._artifacts.DownloadArtifact(request, metadata=caller.metadata),
            on_end,
            _STALL_SECONDS,
        )

    async def list_engines(self, caller: Caller) -> catalog_service_pb2.ListEnginesResponse:
        """Get the engines at hand."""
        return await self._unary(
            self._catalog.ListEngines(
                catalog_service_pb2.ListEnginesRequest(),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def list_pairs(
        self, caller: Caller, source_language: str
    ) -> catalog_service_pb2.ListLanguagePairsResponse:
        """Get the language pairs that can be translated now."""
        return await self._unary(
            self._catalog.ListLanguagePairs(
                catalog_service_pb2.ListLanguagePairsRequest(source_language=source_language),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def list_formats(self, caller: Caller) -> catalog_service_pb2.ListFormatsResponse:
        """Get the formats of documents that can be translated."""
        return await self._unary(
            self._catalog.ListFormats(
                catalog_service_pb2.ListFormatsRequest(),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def list_presets(self, caller: Caller) -> catalog_service_pb2.ListPresetsResponse:
        """Get the presets at hand."""
        return await self._unary(
            self._catalog.ListPresets(
                catalog_service_pb2.ListPresetsRequest(),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def _unary(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except grpc.RpcError as error:
            raise error_from_rpc(error) from error
