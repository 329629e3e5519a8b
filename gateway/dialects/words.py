"""Where a job stands, as far as other systems tell it, and how they write it."""

from datetime import datetime
from enum import Enum

from babelmill.jobs.v1 import job_pb2, step_pb2
from gateway.transcoding.words import time_of


class Phase(Enum):
    """A job's or step's state, as coarse as the dialects know it."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# What waits for its next attempt, or is being stopped, was started and has not ended.
_BY_STATE = {
    "BLOCKED": Phase.PENDING,
    "PENDING": Phase.PENDING,
    "QUEUED": Phase.QUEUED,
    "IN_PROGRESS": Phase.RUNNING,
    "RETRY_WAIT": Phase.RUNNING,
    "CANCELLING": Phase.RUNNING,
    "COMPLETED": Phase.COMPLETED,
    "PARTIALLY_COMPLETED": Phase.COMPLETED,
    "FAILED": Phase.FAILED,
    "DEAD_LETTERED": Phase.FAILED,
    "EXPIRED": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
}


def phase_of(state: job_pb2.JobState.ValueType) -> Phase:
    """Tell where a job stands; one in a state that this edge does not know runs."""
    if state not in job_pb2.JobState.values():
        return Phase.RUNNING
    name = job_pb2.JobState.Name(state).removeprefix("JOB_STATE_")
    return _BY_STATE.get(name, Phase.RUNNING)


def step_phase_of(state: step_pb2.StepState.ValueType) -> Phase:
    """Tell where a step stands, as `phase_of`."""
    if state not in step_pb2.StepState.values():
        return Phase.RUNNING
    name = step_pb2.StepState.Name(state).removeprefix("STEP_STATE_")
    return _BY_STATE.get(name, Phase.RUNNING)


def percent_of(job: job_pb2.Job) -> int:
    """Give the progress in whole percent, rounded down: 100 is for what has completed."""
    return int(job.progress.percent)


def error_of(job: job_pb2.Job) -> str | None:
    """Say why a job did not succeed, or not wholly; None if it did, or has not ended."""
    phase = phase_of(job.state)
    if job.HasField("error") and phase is not Phase.RUNNING:
        return f"{job.error.reason}: {job.error.message}"
    if job.state == job_pb2.JOB_STATE_EXPIRED:
        return "DEADLINE_EXCEEDED: The job was not finished before its deadline."
    return None


def changed_at(job: job_pb2.Job) -> datetime | None:
    """Tell when the job last passed one of the points that are recorded."""
    times = [
        time_of(job, field) for field in ("create_time", "queue_time", "start_time", "finish_time")
    ]
    return max((each for each in times if each is not None), default=None)
