"""What a watch tells, in JSON: the data of each Server-Sent Event."""

from datetime import datetime

from pydantic import BaseModel, Field

from babelmill.client.updates import ProgressTick, Snapshot, Update
from babelmill.jobs.v1 import job_event_pb2, job_service_pb2
from gateway.transcoding.failures import Failure, failure_from_proto
from gateway.transcoding.jobs import (
    Job,
    Progress,
    job_from_proto,
    job_state,
    progress_from_proto,
    step_state,
    target_state,
)
from gateway.transcoding.words import JobStateWord, StepStateWord, TargetStateWord, time_of


class JobStateEvent(BaseModel):
    """`event: job_state`: the job changed its state."""

    job_id: str
    sequence: int
    event_time: datetime | None
    previous: JobStateWord | None = Field(description="Null in a job's first event.")
    state: JobStateWord
    error: Failure | None


class StepStateEvent(BaseModel):
    """`event: step_state`: a step changed its state."""

    job_id: str
    sequence: int
    event_time: datetime | None
    step_id: str
    name: str
    previous: StepStateWord | None
    state: StepStateWord
    attempt: int
    error: Failure | None


class TargetEvent(BaseModel):
    """`event: target`: a target can be read, or never will be."""

    job_id: str
    sequence: int
    event_time: datetime | None
    key: str
    state: TargetStateWord
    error: Failure | None


class UnknownEvent(BaseModel):
    """`event: other`: a fact that this edge does not know; keeps the sequence whole."""

    job_id: str
    sequence: int
    event_time: datetime | None


class EndEvent(BaseModel):
    """`event: end`: the job has ended and nothing follows; close the stream."""

    job_id: str
    sequence: int


Fact = JobStateEvent | StepStateEvent | TargetEvent | UnknownEvent


class ListedEvent(BaseModel):
    """A numbered fact, as a stream would have told it."""

    event: str = Field(description="`job_state`, `step_state`, `target` or `other`.")
    data: Fact


class JobEvents(BaseModel):
    """A page of a job's events, in order."""

    events: list[ListedEvent] = Field(description="Go on after the last one's sequence.")
    last_sequence: int = Field(description="The newest of the page; what was asked after, if none.")


EventData = Fact | Job | Progress | EndEvent


def update_to_event(update: Update) -> tuple[str, int | None, EventData]:
    """Name an update, and give its id to resume after (None if it has none) and its data."""
    if isinstance(update, Snapshot):
        return "snapshot", update.sequence, job_from_proto(update.job)
    if isinstance(update, ProgressTick):
        return "progress", None, progress_from_proto(update.progress)
    name, data = _fact(update.event)
    return name, update.sequence, data


def events_from_proto(
    message: job_service_pb2.ListJobEventsResponse, after_sequence: int = 0
) -> JobEvents:
    """Write a page of events."""
    facts = [_fact(event) for event in message.events]
    return JobEvents(
        events=[ListedEvent(event=name, data=data) for name, data in facts],
        last_sequence=message.events[-1].sequence if message.events else after_sequence,
    )


def _fact(event: job_event_pb2.JobEvent) -> tuple[str, Fact]:
    kind = event.WhichOneof("fact")
    if kind == "job_state_changed":
        return "job_state", _job_state_event(event)
    if kind == "step_state_changed":
        return "step_state", _step_state_event(event)
    if kind == "target_finished":
        return "target", _target_event(event)
    return (
        "other",
        UnknownEvent(
            job_id=event.job_id,
            sequence=event.sequence,
            event_time=time_of(event, "event_time"),
        ),
    )


def _job_state_event(event: job_event_pb2.JobEvent) -> JobStateEvent:
    fact = event.job_state_changed
    return JobStateEvent(
        job_id=event.job_id,
        sequence=event.sequence,
        event_time=time_of(event, "event_time"),
        previous=job_state(fact.previous) if fact.previous else None,
        state=job_state(fact.state),
        error=failure_from_proto(fact.error) if fact.HasField("error") else None,
    )


def _step_state_event(event: job_event_pb2.JobEvent) -> StepStateEvent:
    fact = event.step_state_changed
    return StepStateEvent(
        job_id=event.job_id,
        sequence=event.sequence,
        event_time=time_of(event, "event_time"),
        step_id=fact.step_id,
        name=fact.name,
        previous=step_state(fact.previous) if fact.previous else None,
        state=step_state(fact.state),
        attempt=fact.attempt,
        error=failure_from_proto(fact.error) if fact.HasField("error") else None,
    )


def _target_event(event: job_event_pb2.JobEvent) -> TargetEvent:
    fact = event.target_finished
    return TargetEvent(
        job_id=event.job_id,
        sequence=event.sequence,
        event_time=time_of(event, "event_time"),
        key=fact.key,
        state=target_state(fact.state),
        error=failure_from_proto(fact.error) if fact.HasField("error") else None,
    )
