"""JobService for clients: check, map, call the use case, map back.

What may be seen is decided below: every use case takes the caller's tenant.
"""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Protocol
from uuid import UUID

from typing_extensions import override

from babelmill.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from job_service.api import checks, spec_checks
from job_service.api.auth import current_caller
from job_service.api.event_answers import event
from job_service.api.job_answers import job, progress, timestamp
from job_service.api.job_requests import job_query, new_job, new_jobs
from job_service.api.page_tokens import seal, unseal
from job_service.api.threads import BoundedThreads
from job_service.api.traceparents import traceparent_to_store
from job_service.api.validation import field
from job_service.application.cancellation import Cancellation
from job_service.application.deletion import Deletion
from job_service.application.job_query import Cursor
from job_service.application.queries import Queries
from job_service.application.retrying import Retrying
from job_service.application.submission import Created, Submission
from job_service.domain.events import JobEvent
from job_service.domain.job import Job, Progress

_DEFAULT_JOBS, _MOST_JOBS = 50, 500
_DEFAULT_EVENTS, _MOST_EVENTS = 200, 1000
# A page ends early rather than exceed the 4 MiB that clients take in one message.
_MAX_PAGE_BYTES = 3 * 1024 * 1024

WatchItem = Job | JobEvent | Progress | datetime
"""A snapshot, an event, newer progress, or the server's time as a sign of life."""


class Watches(Protocol):
    """What is needed to serve WatchJob."""

    def watch(
        self, tenant_id: UUID, job_id: UUID, after_sequence: int | None
    ) -> AsyncGenerator[tuple[int, WatchItem]]:
        """Give a job's items, each with the newest sequence, until after its last event."""


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """Serves clients."""

    def __init__(
        self,
        *,
        submission: Submission,
        queries: Queries,
        cancellation: Cancellation,
        retrying: Retrying,
        deletion: Deletion,
        watches: Watches,
        threads: BoundedThreads,
    ) -> None:
        self._submission = submission
        self._queries = queries
        self._cancellation = cancellation
        self._retrying = retrying
        self._deletion = deletion
        self._watches = watches
        self._threads = threads

    @override
    async def CreateJob(
        self,
        request: job_service_pb2.CreateJobRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.CreateJobResponse:
        """Accept a job; the call's trace becomes the job's."""
        wanted = new_job(request, traceparent_to_store())
        created = await self._threads.run(self._submission.create, _tenant_id(), wanted)
        return _created(created, listed=False)

    @override
    async def BatchCreateJobs(
        self,
        request: job_service_pb2.BatchCreateJobsRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.BatchCreateJobsResponse:
        """Accept jobs together. They are answered as in a list, to fit one message."""
        wanted = new_jobs(request, traceparent_to_store())
        created = await self._threads.run(self._submission.create_batch, _tenant_id(), wanted)
        return job_service_pb2.BatchCreateJobsResponse(
            responses=[_created(each, listed=True) for each in created]
        )

    @override
    async def GetJob(
        self,
        request: job_service_pb2.GetJobRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.GetJobResponse:
        """Return a job."""
        job_id = _job_id(request.job_id)
        found = await self._threads.run(self._queries.get_job, _tenant_id(), job_id)
        return job_service_pb2.GetJobResponse(job=job(found))

    @override
    async def ListJobs(
        self,
        request: job_service_pb2.ListJobsRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.ListJobsResponse:
        """Return a page of jobs."""
        with field("page_size"):
            size = checks.count(request.page_size, default=_DEFAULT_JOBS, largest=_MOST_JOBS)
        query = job_query(request.filter)
        wanted = request.filter.SerializeToString(deterministic=True)
        caller = current_caller()
        after = unseal(request.page_token, caller, wanted)
        found, rest = await self._threads.run(
            self._queries.list_jobs, _tenant_id(), query, size, after
        )
        response = job_service_pb2.ListJobsResponse()
        size_bytes = 0
        for index, each in enumerate(found):
            message = job(each, listed=True)
            size_bytes += message.ByteSize()
            if index and size_bytes > _MAX_PAGE_BYTES:
                last = found[index - 1]
                rest = Cursor(last.created_at, last.job_id)
                break
            response.jobs.append(message)
        if rest is not None:
            response.next_page_token = seal(rest, caller, wanted)
        return response

    @override
    async def WatchJob(
        self,
        request: job_service_pb2.WatchJobRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> AsyncIterator[job_service_pb2.WatchJobResponse]:
        """Stream a job's items until its last event."""
        job_id = _job_id(request.job_id)
        after_sequence: int | None = None
        if request.HasField("after_sequence"):
            with field("after_sequence"):
                after_sequence = checks.not_negative(request.after_sequence)
        async with aclosing(self._watches.watch(_tenant_id(), job_id, after_sequence)) as items:
            async for sequence, item in items:
                yield _watch_response(sequence, item)

    @override
    async def ListJobEvents(
        self,
        request: job_service_pb2.ListJobEventsRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.ListJobEventsResponse:
        """Return a page of a job's events."""
        job_id = _job_id(request.job_id)
        with field("after_sequence"):
            after_sequence = checks.not_negative(request.after_sequence)
        with field("page_size"):
            size = checks.count(request.page_size, default=_DEFAULT_EVENTS, largest=_MOST_EVENTS)
        found = await self._threads.run(
            self._queries.list_events, _tenant_id(), job_id, after_sequence, size
        )
        response = job_service_pb2.ListJobEventsResponse()
        size_bytes = 0
        for each in found:
            message = event(each)
            size_bytes += message.ByteSize()
            if response.events and size_bytes > _MAX_PAGE_BYTES:
                break
            response.events.append(message)
        return response

    @override
    async def CancelJob(
        self,
        request: job_service_pb2.CancelJobRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.CancelJobResponse:
        """Ask for a job to be stopped."""
        job_id = _job_id(request.job_id)
        found = await self._threads.run(self._cancellation.cancel, _tenant_id(), job_id)
        return job_service_pb2.CancelJobResponse(job=job(found))

    @override
    async def RetryJob(
        self,
        request: job_service_pb2.RetryJobRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.RetryJobResponse:
        """Make a new job from one that has ended; the call's trace becomes the new job's."""
        job_id = _job_id(request.job_id)
        with field("request_id"):
            request_id = checks.request_id(request.request_id)
        with field("chat_api_key"):
            chat_api_key = spec_checks.api_key(request.chat_api_key)
        created = await self._threads.run(
            self._retrying.retry,
            _tenant_id(),
            job_id,
            request_id=request_id,
            all_targets=request.all_targets,
            traceparent=traceparent_to_store(),
            chat_api_key=chat_api_key,
        )
        return job_service_pb2.RetryJobResponse(job=job(created.job), created=created.created)

    @override
    async def DeleteJob(
        self,
        request: job_service_pb2.DeleteJobRequest,
        context: job_service_pb2_grpc._ServicerContext,
    ) -> job_service_pb2.DeleteJobResponse:
        """Remove a job that has ended."""
        job_id = _job_id(request.job_id)
        await self._threads.run(
            self._deletion.delete, _tenant_id(), job_id, current_caller().principal
        )
        return job_service_pb2.DeleteJobResponse()


def _tenant_id() -> UUID:
    return current_caller().principal.tenant_id


def _job_id(text: str) -> UUID:
    with field("job_id"):
        return checks.uuid_of(text)


def _created(created: Created, *, listed: bool) -> job_service_pb2.CreateJobResponse:
    return job_service_pb2.CreateJobResponse(
        job=job(created.job, listed=listed), created=created.created
    )


def _watch_response(sequence: int, item: WatchItem) -> job_service_pb2.WatchJobResponse:
    if isinstance(item, Job):
        snapshot: job_pb2.Job = job(item)
        return job_service_pb2.WatchJobResponse(sequence=sequence, snapshot=snapshot)
    if isinstance(item, JobEvent):
        return job_service_pb2.WatchJobResponse(sequence=sequence, event=event(item))
    if isinstance(item, Progress):
        return job_service_pb2.WatchJobResponse(sequence=sequence, progress=progress(item))
    return job_service_pb2.WatchJobResponse(
        sequence=sequence,
        keep_alive=job_service_pb2.KeepAlive(server_time=timestamp(item)),
    )
