"""A protocol peer: the client services of the contract, served for real over gRPC."""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator

import grpc
from typing_extensions import override

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
)
from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status
from babelmill.translation.v1 import glossary_service_pb2_grpc
from tests.integration.gateway_peer_state import (
    FINAL,
    TOKEN,
    Context,
    Peer,
    ReceivedUpload,
    StoredJob,
)
from tests.integration.glossary_peer import Glossaries

__all__ = ["TOKEN", "Peer", "StoredJob", "running_peer"]


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
    async def CreateJob(
        self, request: job_service_pb2.CreateJobRequest, context: Context
    ) -> job_service_pb2.CreateJobResponse:
        await self.peer.enter("CreateJob", request, context)
        return self._create(request)

    @override
    async def BatchCreateJobs(
        self, request: job_service_pb2.BatchCreateJobsRequest, context: Context
    ) -> job_service_pb2.BatchCreateJobsResponse:
        await self.peer.enter("BatchCreateJobs", request, context)
        return job_service_pb2.BatchCreateJobsResponse(
            responses=[self._create(each) for each in request.requests]
        )

    @override
    async def GetJob(
        self, request: job_service_pb2.GetJobRequest, context: Context
    ) -> job_service_pb2.GetJobResponse:
        await self.peer.enter("GetJob", request, context)
        stored = await self.peer.find(request.job_id, context)
        return job_service_pb2.GetJobResponse(job=stored.job)

    @override
    async def ListJobs(
        self, request: job_service_pb2.ListJobsRequest, context: Context
    ) -> job_service_pb2.ListJobsResponse:
        await self.peer.enter("ListJobs", request, context)
        return job_service_pb2.ListJobsResponse(
            jobs=[stored.job for stored in self.peer.jobs.values()], next_page_token="next"
        )

    @override
    async def CancelJob(
        self, request: job_service_pb2.CancelJobRequest, context: Context
    ) -> job_service_pb2.CancelJobResponse:
        await self.peer.enter("CancelJob", request, context)
        stored = await self.peer.find(request.job_id, context)
        stored.job.state = job_pb2.JOB_STATE_CANCELLING
        return job_service_pb2.CancelJobResponse(job=stored.job)

    @override
    async def RetryJob(
        self, request: job_service_pb2.RetryJobRequest, context: Context
    ) -> job_service_pb2.RetryJobResponse:
        await self.peer.enter("RetryJob", request, context)
        stored = await self.peer.find(request.job_id, context)
        return job_service_pb2.RetryJobResponse(job=stored.job, created=True)

    @override
    async def WatchJob(
        self, request: job_service_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
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

    @override
    async def ListJobEvents(
        self, request: job_service_pb2.ListJobEventsRequest, context: Context
    ) -> job_service_pb2.ListJobEventsResponse:
        await self.peer.enter("ListJobEvents", request, context)
        stored = await self.peer.find(request.job_id, context)
        upto = request.after_sequence + (request.page_size or 200)
        return job_service_pb2.ListJobEventsResponse(
            events=stored.events[request.after_sequence : upto]
        )


class Artifacts(artifact_service_pb2_grpc.ArtifactServiceServicer):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    @override
    async def UploadArtifact(
        self,
        request_iterator: AsyncIterator[artifact_service_pb2.UploadArtifactRequest],
        context: Context,
    ) -> artifact_service_pb2.UploadArtifactResponse:
        if self.peer.early_end_seconds is not None:
            # The caller's writes wait for room meanwhile, and then fail.
            await asyncio.sleep(self.peer.early_end_seconds)
        await self.peer.enter("UploadArtifact", None, context)
        header = (await anext(request_iterator)).header
        ready = self.peer.artifacts.get(header.artifact_id)
        if ready is not None and ready.state == artifact_pb2.ARTIFACT_STATE_READY:
            return artifact_service_pb2.UploadArtifactResponse(artifact=ready)
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

    async def _find(self, artifact_id: str, context: Context) -> artifact_pb2.Artifact:
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
    async def GetArtifact(
        self, request: artifact_service_pb2.GetArtifactRequest, context: Context
    ) -> artifact_service_pb2.GetArtifactResponse:
        await self.peer.enter("GetArtifact", request, context)
        return artifact_service_pb2.GetArtifactResponse(
            artifact=await self._find(request.artifact_id, context)
        )

    @override
    async def ListArtifacts(
        self, request: artifact_service_pb2.ListArtifactsRequest, context: Context
    ) -> artifact_service_pb2.ListArtifactsResponse:
        await self.peer.enter("ListArtifacts", request, context)
        return artifact_service_pb2.ListArtifactsResponse(
            artifacts=[
                each
                for each in reversed(self.peer.artifacts.values())
                if request.filename in ("", each.filename)
            ]
        )

    @override
    async def DownloadArtifact(
        self, request: artifact_service_pb2.DownloadArtifactRequest, context: Context
    ) -> AsyncIterator[artifact_service_pb2.DownloadArtifactResponse]:
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
    async def ListEngines(
        self, request: catalog_service_pb2.ListEnginesRequest, context: Context
    ) -> catalog_service_pb2.ListEnginesResponse:
        await self.peer.enter("ListEngines", request, context)
        response = catalog_service_pb2.ListEnginesResponse()
        response.engines.add(
            name="bergamot", version="0.2.0", description="Neural.", max_batch_segments=64
        )
        return response

    @override
    async def ListLanguagePairs(
        self, request: catalog_service_pb2.ListLanguagePairsRequest, context: Context
    ) -> catalog_service_pb2.ListLanguagePairsResponse:
        await self.peer.enter("ListLanguagePairs", request, context)
        response = catalog_service_pb2.ListLanguagePairsResponse()
        pair = response.pairs.add(source_language="en", target_language="pt")
        pair.hops.add(engine="bergamot", source_language="en", target_language="pt")
        return response

    @override
    async def ListFormats(
        self, request: catalog_service_pb2.ListFormatsRequest, context: Context
    ) -> catalog_service_pb2.ListFormatsResponse:
        await self.peer.enter("ListFormats", request, context)
        response = catalog_service_pb2.ListFormatsResponse()
        response.formats.add(
            name="docx", description="Word.", extensions=[".docx"], media_types=["application/x"]
        )
        return response

    @override
    async def ListPresets(
        self, request: catalog_service_pb2.ListPresetsRequest, context: Context
    ) -> catalog_service_pb2.ListPresetsResponse:
        await self.peer.enter("ListPresets", request, context)
        response = catalog_service_pb2.ListPresetsResponse()
        response.presets.add(
            name="mp3", kind=2, description="MP3.", file_extension="mp3", media_type="audio/mpeg"
        )
        return response


def register_jobs(peer: Peer, server: grpc.aio.Server) -> None:
    jobs = Jobs(peer)  # type: ignore[abstract]  # the generated base refuses the other calls
    job_service_pb2_grpc.add_JobServiceServicer_to_server(jobs, server)


def register_artifacts(peer: Peer, server: grpc.aio.Server) -> None:
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(Artifacts(peer), server)


def register_catalog(peer: Peer, server: grpc.aio.Server) -> None:
    catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(Catalog(peer), server)


def register_glossaries(peer: Peer, server: grpc.aio.Server) -> None:
    glossary_service_pb2_grpc.add_GlossaryServiceServicer_to_server(Glossaries(peer.enter), server)


@contextlib.asynccontextmanager
async def running_peer() -> AsyncIterator[Peer]:
    peer = Peer((register_jobs, register_artifacts, register_catalog, register_glossaries))
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()
