"""Queues and dead letters in JSON, and what is asked about ended jobs."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from babelmill.jobs.v1 import job_pb2, queue_pb2, queue_service_pb2
from gateway.transcoding.failures import Failure, failure_from_proto
from gateway.transcoding.jobs import Job, job_from_proto
from gateway.transcoding.words import PriorityWord, RequestText, time_of, word

MOST_REPLAYS = 100


class RetryJob(BaseModel):
    """How to do a job again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    request_id: RequestText = Field(
        default="",
        description="Makes the request idempotent, as in `CreateJob`. The header "
        "`Idempotency-Key` is the same thing.",
    )
    all_targets: bool = Field(
        default=False, description="Repeat also the targets that had completed."
    )
    chat_api_key: RequestText = Field(
        default="",
        repr=False,
        description="For a job whose spec had a key: that was deleted when it ended.",
    )


class ReplayDeadLetters(BaseModel):
    """Which dead letters to bring back, all or none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"job_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]}]},
    )

    job_ids: Annotated[
        list[RequestText],
        Field(description="Ids of dead-lettered jobs.", min_length=1, max_length=MOST_REPLAYS),
    ]


class Queue(BaseModel):
    """What waits and runs of one kind of work at one priority, over the caller's tenant."""

    name: str = Field(description="Such as `translation.normal`.")
    priority: PriorityWord
    depth: int = Field(description="Steps that wait: pending, published, or for a retry.")
    leased: int = Field(description="Steps that workers hold.")
    oldest_age_seconds: float | None = Field(description="Null if none waits.")
    drain_rate: float = Field(description="Steps that ended per second over the last minute.")


class Queues(BaseModel):
    """All queues, by name."""

    queues: list[Queue]


class DeadLetter(BaseModel):
    """A job that ran out of its retry budget."""

    job_id: str
    kind: str = Field(description="Of its spec, such as `translate_text`.")
    error: Failure | None = Field(description="Of the target that gave up first.")
    attempts: int
    finish_time: datetime | None
    replay_job_ids: list[str] = Field(description="The jobs that were made from it.")


class DeadLetterPage(BaseModel):
    """A page of dead letters, newest first."""

    dead_letters: list[DeadLetter]
    next_page_token: str | None = Field(description="Null on the last page.")


class Replays(BaseModel):
    """The replays in the order of the ids, without texts, steps and outputs."""

    jobs: list[Job]


def queues_from_proto(message: queue_service_pb2.ListQueuesResponse) -> Queues:
    """Write the queues."""
    return Queues(queues=[_queue(each) for each in message.queues])


def dead_letters_from_proto(message: queue_service_pb2.ListDeadLettersResponse) -> DeadLetterPage:
    """Write a page of dead letters."""
    return DeadLetterPage(
        dead_letters=[_dead_letter(each) for each in message.dead_letters],
        next_page_token=message.next_page_token or None,
    )


def replays_from_proto(message: queue_service_pb2.ReplayDeadLettersResponse) -> Replays:
    """Write the replays."""
    return Replays(jobs=[job_from_proto(each) for each in message.jobs])


def _queue(message: queue_pb2.Queue) -> Queue:
    age = message.oldest_age.ToTimedelta() if message.HasField("oldest_age") else None
    return Queue(
        name=message.name,
        priority=word(PriorityWord, job_pb2.Priority.Name, "PRIORITY_", message.priority),
        depth=message.depth,
        leased=message.leased,
        oldest_age_seconds=None if age is None else age.total_seconds(),
        drain_rate=message.drain_rate,
    )


def _dead_letter(message: queue_pb2.DeadLetter) -> DeadLetter:
    return DeadLetter(
        job_id=message.job_id,
        kind=message.kind,
        error=failure_from_proto(message.error) if message.HasField("error") else None,
        attempts=message.attempts,
        finish_time=time_of(message, "finish_time"),
        replay_job_ids=list(message.replay_job_ids),
    )
