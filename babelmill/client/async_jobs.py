"""The JobService through asyncio."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from babelmill.client import requests
from babelmill.client.async_calls import AsyncCalls
from babelmill.client.async_stream import AsyncResumableStream
from babelmill.client.errors import DeadlineExceeded, NotFound, Unavailable, WaitTimeout
from babelmill.client.resumption import Resumption
from babelmill.client.updates import Update
from babelmill.client.watch_cursor import WatchCursor
from babelmill.jobs.v1 import job_event_pb2, job_pb2, job_service_pb2


class AsyncJobWatch(
    AsyncResumableStream[job_service_pb2.WatchJobRequest, job_service_pb2.WatchJobResponse, Update]
):
    """An iterator over a job's updates that resumes by itself and ends with the job."""

    _cursor: WatchCursor

    @property
    def sequence(self) -> int | None:
        """The newest sequence yielded: watch after it to go on another time."""
        return self._cursor.sequence


class AsyncJobs(AsyncCalls):
    """Submits jobs, follows them, and stops them."""

    async def create_job(
        self,
        spec: job_pb2.JobSpec,
        *,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
        reuse_results: bool = False,
    ) -> job_pb2.Job:
        """Submit a job by its spec.

        With `reuse_results` the kept results of a job of the same input and
        spec serve: then it has completed already, and names that one in
        `reused_job_id`.
        """
        response = await self.submit(
            requests.job_request(
                spec,
                priority=priority,
                request_id=request_id,
                labels=labels,
                deadline=deadline,
                reuse_results=reuse_results,
            )
        )
        return response.job

    async def submit(
        self, request: job_service_pb2.CreateJobRequest
    ) -> job_service_pb2.CreateJobResponse:
        """Submit a request as it is; the response says whether it made the job.

        Tried again while the service is away if it has a request_id.
        """
        return await self._repeat(self._jobs.CreateJob, request, bool(request.request_id))

    async def create_jobs(
        self, batch: Sequence[job_service_pb2.CreateJobRequest]
    ) -> list[job_pb2.Job]:
        """Submit up to 500 jobs, all or none; build them with `requests.job_request`."""
        request = job_service_pb2.BatchCreateJobsRequest(requests=batch)
        safe = all(item.request_id for item in batch)
        response = await self._repeat(self._jobs.BatchCreateJobs, request, safe)
        return [item.job for item in response.responses]

    async def get_job(self, job_id: str) -> job_pb2.Job:
        """Return a job as it is now."""
        request = job_service_pb2.GetJobRequest(job_id=job_id)
        return (await self._call(self._jobs.GetJob, request)).job

    async def list_jobs(
        self, matching: job_service_pb2.JobFilter | None = None, *, page_size: int = 0
    ) -> AsyncIterator[job_pb2.Job]:
        """List jobs, newest first, page by page; build a filter with `requests.job_filter`.

        Listed jobs come without texts, steps and outputs.
        """
        page_token = ""
        while True:
            page = await self.list_jobs_page(matching, page_size=page_size, page_token=page_token)
            for job in page.jobs:
                yield job
            page_token = page.next_page_token
            if not page_token:
                return

    async def list_jobs_page(
        self,
        matching: job_service_pb2.JobFilter | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
    ) -> job_service_pb2.ListJobsResponse:
        """Return one page of jobs and the token of the next."""
        request = job_service_pb2.ListJobsRequest(
            page_size=page_size, page_token=page_token, filter=matching
        )
        return await self._call(self._jobs.ListJobs, request)

    async def list_events(
        self, job_id: str, after_sequence: int = 0, *, page_size: int = 0
    ) -> AsyncIterator[job_event_pb2.JobEvent]:
        """List the events that a job has so far, in order."""
        while True:
            request = job_service_pb2.ListJobEventsRequest(
                job_id=job_id, after_sequence=after_sequence, page_size=page_size
            )
            events = (await self._call(self._jobs.ListJobEvents, request)).events
            if not events:
                return
            for event in events:
                yield event
            after_sequence = events[-1].sequence

    async def cancel_job(self, job_id: str) -> job_pb2.Job:
        """Ask for a job to be stopped; it has stopped when it is CANCELLED.

        Raises FailedPrecondition when the job has ended in another way.
        """
        request = job_service_pb2.CancelJobRequest(job_id=job_id)
        return (await self._call(self._jobs.CancelJob, request)).job

    async def retry_job(
        self,
        job_id: str,
        *,
        all_targets: bool = False,
        chat_api_key: str = "",
        request_id: str | None = None,
    ) -> job_pb2.Job:
        """Make a new job of what an ended one did not complete, or of all its targets.

        The new job names the old one in `parent_job_id`. A job that had a chat
        model's key needs it again, as `chat_api_key`. With the same
        `request_id` the call may be made again. Raises FailedPrecondition when
        the job has not ended or has succeeded.
        """
        request = job_service_pb2.RetryJobRequest(
            job_id=job_id,
            all_targets=all_targets,
            chat_api_key=chat_api_key,
            request_id=requests.new_request_id() if request_id is None else request_id,
        )
        response = await self._repeat(self._jobs.RetryJob, request, bool(request.request_id))
        return response.job

    async def delete_job(self, job_id: str) -> None:
        """Remove an ended job, its events and its outputs.

        Tried again while the service is away. Raises NotFound, and
        FailedPrecondition when the job has not ended.
        """
        request = job_service_pb2.DeleteJobRequest(job_id=job_id)
        resumption = Resumption(self._policy.submit)
        unanswered = False
        while True:
            try:
                await self._call(self._jobs.DeleteJob, request)
            except NotFound:
                if not unanswered:
                    raise
            except (Unavailable, DeadlineExceeded) as error:
                # It may have been done: then the next try finds nothing.
                unanswered = True
                delay = resumption.delay_after(error)
                if self._closed.is_set():
                    raise
                await asyncio.sleep(delay)
                continue
            return

    def watch_job(self, job_id: str, after_sequence: int | None = None) -> AsyncJobWatch:
        """Watch a job; call this without await.

        It yields a Snapshot first, or the events after a sequence, then what
        happens. Breaks are resumed without losing or repeating an event. It
        ends after the job's final event. Raises StreamGap if an event is left
        out.
        """
        cursor = WatchCursor(job_id, after_sequence, self._policy.stream)

        async def on_end() -> float:
            try:
                return cursor.ended(await self.get_job(job_id))
            except (Unavailable, DeadlineExceeded) as error:
                return cursor.broken(error)

        return AsyncJobWatch(
            cursor,
            lambda request: self._jobs.WatchJob(request, metadata=self._metadata),
            on_end,
            self._policy.watch_stall_seconds,
        )

    async def wait(self, job_id: str, timeout_seconds: float | None = None) -> job_pb2.Job:
        """Wait for a job's end and return it. Raises WaitTimeout after the timeout."""
        try:
            async with asyncio.timeout(timeout_seconds), self.watch_job(job_id) as watch:
                async for _ in watch:
                    pass
        except TimeoutError as error:
            raise WaitTimeout from error
        response = await self._repeat(
            self._jobs.GetJob,
            job_service_pb2.GetJobRequest(job_id=job_id),
            repeatable=True,
            policy=self._policy.stream,
        )
        return response.job
