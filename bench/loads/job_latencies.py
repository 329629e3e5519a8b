"""How long Babelmill takes to tell: one job after another on an idle system.

`by_real_worker` waits for a real translation; `by_worker_stub` plays the
worker's side too, so that only the job service's own part is in the times.
"""

import asyncio
import time
from dataclasses import asdict, dataclass

import grpc

from babelmill.client.jobs import FINAL_STATES
from babelmill.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from bench.loads.submitters import CALL_TIMEOUT_SECONDS, CHANNEL_OPTIONS, TEXT, create_request
from bench.worker_stub import WorkerStub

WATCH_TIMEOUT_SECONDS = 60.0
# Longer than the service leaves between two progress messages: what is
# measured is the way of a report, not how long reports are gathered.
QUIET_SECONDS = 0.3


class JobNotCompleted(Exception):
    """A job did not end in COMPLETED."""


class WatchEnded(Exception):
    """A watch ended before it told what was waited for."""


@dataclass(frozen=True, slots=True)
class RealLatency:
    """Milliseconds from the start of CreateJob, unless the name says otherwise."""

    accepted_ms: float
    started_ms: float
    started_after_answer_ms: float
    finished_ms: float
    finished_after_answer_ms: float
    finished_without_work_ms: float
    work_ms: float
    """What the worker itself says that the work took."""

    def to_json(self) -> dict[str, float]:
        """Give it as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StubLatency:
    """Milliseconds from the start of one call to what it causes elsewhere."""

    dispatch_ms: float
    """CreateJob to the message in a worker's hands."""
    lease_ms: float
    """A worker's AcquireLeases to the watcher's IN_PROGRESS."""
    progress_ms: float
    """A worker's Heartbeat to the watcher's progress."""
    outcome_ms: float
    """A worker's CompleteStep to the watcher's final event."""

    def to_json(self) -> dict[str, float]:
        """Give it as JSON-ready values."""
        return asdict(self)


class JobLatencies:
    """Measures over one connection, as one client has."""

    def __init__(self, address: str, token: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
        self._service = job_service_pb2_grpc.JobServiceStub(self._channel)
        self._metadata = (("authorization", f"Bearer {token}"),)

    async def close(self) -> None:
        """Disconnect."""
        await self._channel.close()

    async def by_real_worker(self) -> RealLatency:
        """Translate a sentence and watch. Raises JobNotCompleted or WatchEnded."""
        begun = time.monotonic()
        job_id = await self._create()
        accepted = time.monotonic()
        started = finished = 0.0
        state: job_pb2.JobState.ValueType = job_pb2.JOB_STATE_UNSPECIFIED
        async for message in self._watch(job_id):
            if message.event.WhichOneof("fact") != "job_state_changed":
                continue
            state = message.event.job_state_changed.state
            if state == job_pb2.JOB_STATE_IN_PROGRESS and not started:
                started = time.monotonic()
            if state in FINAL_STATES:
                finished = time.monotonic()
        if state != job_pb2.JOB_STATE_COMPLETED or not started:
            raise JobNotCompleted(job_pb2.JobState.Name(state))
        got = await self._service.GetJob(
            job_service_pb2.GetJobRequest(job_id=job_id),
            metadata=self._metadata,
            timeout=CALL_TIMEOUT_SECONDS,
        )
        work_seconds = got.job.usage.processing_seconds
        return RealLatency(
            accepted_ms=(accepted - begun) * 1000,
            started_ms=(started - begun) * 1000,
            started_after_answer_ms=(started - accepted) * 1000,
            finished_ms=(finished - begun) * 1000,
            finished_after_answer_ms=(finished - accepted) * 1000,
            finished_without_work_ms=(finished - begun - work_seconds) * 1000,
            work_ms=work_seconds * 1000,
        )

    async def by_worker_stub(self, worker: WorkerStub) -> StubLatency:
        """Take one job through every hop. Raises WatchEnded, NoMessage, LeaseRefused."""
        begun = time.monotonic()
        job_id = await self._create()
        message = await worker.take_message()
        taken = time.monotonic()
        watch = self._watch(job_id)
        # The message is there a moment before its step is told to be QUEUED.
        await _wait_for_state(watch, job_pb2.JOB_STATE_QUEUED)
        acquiring = time.monotonic()
        ref = await worker.acquire(message)
        await _wait_for_state(watch, job_pb2.JOB_STATE_IN_PROGRESS)
        leased = time.monotonic()
        await asyncio.sleep(QUIET_SECONDS)
        total = float(len(TEXT))
        reporting = time.monotonic()
        await worker.heartbeat(ref, total / 2, total)
        await _wait_for_progress(watch, total / 2)
        progressed = time.monotonic()
        completing = time.monotonic()
        await worker.complete(ref)
        await _wait_for_state(watch, job_pb2.JOB_STATE_COMPLETED)
        ended = time.monotonic()
        watch.cancel()
        return StubLatency(
            dispatch_ms=(taken - begun) * 1000,
            lease_ms=(leased - acquiring) * 1000,
            progress_ms=(progressed - reporting) * 1000,
            outcome_ms=(ended - completing) * 1000,
        )

    async def _create(self) -> str:
        created = await self._service.CreateJob(
            create_request(), metadata=self._metadata, timeout=CALL_TIMEOUT_SECONDS
        )
        return created.job.job_id

    def _watch(
        self, job_id: str
    ) -> grpc.aio.UnaryStreamCall[
        job_service_pb2.WatchJobRequest, job_service_pb2.WatchJobResponse
    ]:
        request = job_service_pb2.WatchJobRequest(job_id=job_id, after_sequence=0)
        return self._service.WatchJob(
            request, metadata=self._metadata, timeout=WATCH_TIMEOUT_SECONDS
        )


_Watch = grpc.aio.UnaryStreamCall[job_service_pb2.WatchJobRequest, job_service_pb2.WatchJobResponse]


async def _wait_for_state(watch: _Watch, state: job_pb2.JobState.ValueType) -> None:
    async for message in watch:
        fact = message.event
        if fact.HasField("job_state_changed") and fact.job_state_changed.state == state:
            return
    raise WatchEnded


async def _wait_for_progress(watch: _Watch, done: float) -> None:
    async for message in watch:
        if message.HasField("progress") and message.progress.done >= done:
            return
    raise WatchEnded
