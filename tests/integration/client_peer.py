"""A protocol peer for the clients: the contract's streams, broken on purpose.

It serves real gRPC in a thread of its own, so that blocking clients can be
tried too. Jobs are scripts of events; `faults` says where streams break.
"""

# ruff: noqa: N802 - gRPC names its methods so

import asyncio
import contextlib
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc

from babelmill.jobs.v1 import (
    artifact_service_pb2_grpc,
    catalog_service_pb2_grpc,
    job_event_pb2,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    progress_pb2,
)
from babelmill.kit.wire.status_details import ErrorDetails
from babelmill.translation.v1 import glossary_service_pb2_grpc
from tests.integration.client_peer_artifacts import (
    SILENCE,
    UNAVAILABLE,
    ArtifactPeer,
    Context,
    refuse,
)
from tests.integration.glossary_peer import Glossaries

T = TypeVar("T")


@dataclass
class Watch:
    """One WatchJob call as the server saw it."""

    after_sequence: int | None
    ended: threading.Event = field(default_factory=threading.Event)
    was_cancelled: bool = False


@dataclass
class ScriptedJob:
    """A job, and what a watcher of it gets."""

    job: job_pb2.Job
    events: list[job_event_pb2.JobEvent] = field(default_factory=list)
    grew: asyncio.Event = field(default_factory=asyncio.Event)


class Peer(job_service_pb2_grpc.JobServiceServicer, ArtifactPeer):
    """The three client services over what is in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.address = ""
        self.jobs: dict[str, ScriptedJob] = {}
        self.by_request_id: dict[str, job_pb2.Job] = {}
        self.watches: list[Watch] = []
        self.retry_keys: list[str] = []
        self.on_create: Callable[[ScriptedJob], None] = lambda _: None
        self.glossaries = Glossaries(lambda _name, _request, context: self.enter(context))
        self._loop: asyncio.AbstractEventLoop | None = None

    # What tests say, from their own thread

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(10)

    def add_job(self, events: int = 0, *, final: bool = True) -> str:
        """Add a job that has `events` events, the last of them final if said."""

        async def add() -> str:
            job_id = str(uuid.uuid4())
            self.jobs[job_id] = ScriptedJob(
                job_pb2.Job(job_id=job_id, state=job_pb2.JOB_STATE_PENDING)
            )
            for number in range(1, events + 1):
                is_last = final and number == events
                self.append(
                    self.jobs[job_id],
                    job_pb2.JOB_STATE_COMPLETED if is_last else job_pb2.JOB_STATE_IN_PROGRESS,
                )
            return job_id

        return self.run(add())

    def happen(self, job_id: str, state: job_pb2.JobState.ValueType) -> None:
        """Let a job change its state now."""

        async def append() -> None:
            self.append(self.jobs[job_id], state)

        self.run(append())

    # What servicers do, in the server's loop

    @staticmethod
    def append(scripted: ScriptedJob, state: job_pb2.JobState.ValueType) -> None:
        sequence = len(scripted.events) + 1
        change = job_event_pb2.JobStateChanged(previous=scripted.job.state, state=state)
        scripted.events.append(
            job_event_pb2.JobEvent(
                job_id=scripted.job.job_id, sequence=sequence, job_state_changed=change
            )
        )
        scripted.job.state, scripted.job.sequence = state, sequence
        scripted.grew.set()
        scripted.grew = asyncio.Event()

    async def _job(self, job_id: str, context: Context) -> ScriptedJob:
        if job_id not in self.jobs:
            await refuse(
                context,
                ErrorDetails(grpc.StatusCode.NOT_FOUND, "no such job", reason="JOB_NOT_FOUND"),
            )
        return self.jobs[job_id]

    async def CreateJob(
        self, request: job_service_pb2.CreateJobRequest, context: Context
    ) -> job_service_pb2.CreateJobResponse:
        await self.enter(context)
        created = request.request_id not in self.by_request_id
        if created:
            job = job_pb2.Job(
                job_id=str(uuid.uuid4()),
                spec=request.spec,
                state=job_pb2.JOB_STATE_PENDING,
                priority=request.priority,
                labels=request.labels,
                request_id=request.request_id,
            )
            self.by_request_id[request.request_id] = job
            self.jobs[job.job_id] = ScriptedJob(job)
            self.append(self.jobs[job.job_id], job_pb2.JOB_STATE_PENDING)
            self.on_create(self.jobs[job.job_id])
        if self.faults.lost_answers:
            self.faults.lost_answers -= 1
            await refuse(context, UNAVAILABLE)
        return job_service_pb2.CreateJobResponse(
            job=self.by_request_id[request.request_id], created=created
        )

    async def BatchCreateJobs(
        self, request: job_service_pb2.BatchCreateJobsRequest, context: Context
    ) -> job_service_pb2.BatchCreateJobsResponse:
        return job_service_pb2.BatchCreateJobsResponse(
            responses=[await self.CreateJob(one, context) for one in request.requests]
        )

    async def GetJob(
        self, request: job_service_pb2.GetJobRequest, context: Context
    ) -> job_service_pb2.GetJobResponse:
        await self.enter(context)
        return job_service_pb2.GetJobResponse(job=(await self._job(request.job_id, context)).job)

    async def ListJobs(
        self, request: job_service_pb2.ListJobsRequest, context: Context
    ) -> job_service_pb2.ListJobsResponse:
        await self.enter(context)
        wanted = set(request.filter.states)
        found = [s.job for s in self.jobs.values() if not wanted or s.job.state in wanted]
        start, size = int(request.page_token or 0), request.page_size or 50
        more = str(start + size) if start + size < len(found) else ""
        return job_service_pb2.ListJobsResponse(
            jobs=found[start : start + size], next_page_token=more
        )

    async def ListJobEvents(
        self, request: job_service_pb2.ListJobEventsRequest, context: Context
    ) -> job_service_pb2.ListJobEventsResponse:
        await self.enter(context)
        events = (await self._job(request.job_id, context)).events
        after, size = request.after_sequence, request.page_size or 200
        return job_service_pb2.ListJobEventsResponse(events=events[after : after + size])

    async def CancelJob(
        self, request: job_service_pb2.CancelJobRequest, context: Context
    ) -> job_service_pb2.CancelJobResponse:
        await self.enter(context)
        scripted = await self._job(request.job_id, context)
        if scripted.job.state == job_pb2.JOB_STATE_COMPLETED:
            details = ErrorDetails(
                grpc.StatusCode.FAILED_PRECONDITION, "it has ended", reason="JOB_FINISHED"
            )
            await refuse(context, details)
        self.append(scripted, job_pb2.JOB_STATE_CANCELLED)
        return job_service_pb2.CancelJobResponse(job=scripted.job)

    async def RetryJob(
        self, request: job_service_pb2.RetryJobRequest, context: Context
    ) -> job_service_pb2.RetryJobResponse:
        self.retry_keys.append(request.chat_api_key)
        old = (await self._job(request.job_id, context)).job
        answer = await self.CreateJob(
            job_service_pb2.CreateJobRequest(spec=old.spec, request_id=request.request_id), context
        )
        answer.job.parent_job_id = old.job_id
        return job_service_pb2.RetryJobResponse(job=answer.job, created=answer.created)

    async def DeleteJob(
        self, request: job_service_pb2.DeleteJobRequest, context: Context
    ) -> job_service_pb2.DeleteJobResponse:
        await self.enter(context)
        await self._job(request.job_id, context)
        del self.jobs[request.job_id]
        if self.faults.lost_answers:
            self.faults.lost_answers -= 1
            await refuse(context, UNAVAILABLE)
        return job_service_pb2.DeleteJobResponse()

    async def WatchJob(
        self, request: job_service_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
        await self.enter(context, unary=False)
        scripted = await self._job(request.job_id, context)
        after = request.after_sequence if request.HasField("after_sequence") else None
        watch = Watch(after)
        self.watches.append(watch)
        try:
            fault = self.faults.breaks.pop(0) if self.faults.breaks else None
            sent = 0
            async for response in self._messages(scripted, after):
                if fault is not None and sent == fault[0]:
                    if fault[1] is SILENCE:
                        await asyncio.sleep(3600)
                    await refuse(context, fault[1])
                yield response
                sent += 1
        except (asyncio.CancelledError, GeneratorExit):
            watch.was_cancelled = True
            raise
        finally:
            watch.ended.set()

    async def _messages(
        self, scripted: ScriptedJob, after: int | None
    ) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
        position = after
        if position is None:
            position = scripted.job.sequence
            yield job_service_pb2.WatchJobResponse(
                sequence=position, snapshot=job_pb2.Job.FromString(scripted.job.SerializeToString())
            )
        while True:
            grew = scripted.grew
            while position < len(scripted.events):
                yield job_service_pb2.WatchJobResponse(
                    sequence=position,
                    progress=progress_pb2.Progress(percent=100 * position / len(scripted.events)),
                )
                event = scripted.events[position]
                position += 1
                yield job_service_pb2.WatchJobResponse(sequence=position, event=event)
            yield job_service_pb2.WatchJobResponse(
                sequence=position, keep_alive=job_service_pb2.KeepAlive()
            )
            if scripted.job.state in (
                job_pb2.JOB_STATE_COMPLETED,
                job_pb2.JOB_STATE_PARTIALLY_COMPLETED,
                job_pb2.JOB_STATE_FAILED,
                job_pb2.JOB_STATE_CANCELLED,
            ):
                return
            await grew.wait()


@contextlib.contextmanager
def serving() -> Iterator[Peer]:
    """Serve a fresh peer on a free loopback port."""
    peer = Peer()
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        server = grpc.aio.server()
        job_service_pb2_grpc.add_JobServiceServicer_to_server(peer, server)
        artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(peer, server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(peer, server)
        glossary_service_pb2_grpc.add_GlossaryServiceServicer_to_server(peer.glossaries, server)
        peer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        peer._loop = asyncio.get_running_loop()
        await server.start()
        ready.set()
        await asyncio.to_thread(stop.wait)
        await server.stop(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="client-peer")
    thread.start()
    try:
        assert ready.wait(10)
        yield peer
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
