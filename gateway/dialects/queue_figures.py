"""What the messages dialect has beside its messages: `/queue/stats`, and health at `/`."""

from http import HTTPStatus

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from babelmill.jobs.v1 import job_pb2
from gateway.dialects.callers import GuestCaller
from gateway.problem_details import ProblemError
from gateway.routes.context import ContextOf, only_query
from gateway.routes.refusals import refusals

router = APIRouter(tags=["dialect: messages"])

_HIGH, _DEFAULT = "high_priority", "default"
# Of the families of workers, the one that no text goes through.
_MEDIA = "media."


class MessagesQueue(BaseModel):
    """One queue, counted in steps over the caller's tenant."""

    pending: int
    processing: int
    oldest_age_seconds: float | None = Field(description="Null if none waits.")
    drain_rate: float = Field(description="How many ended per second over the last minute.")


class MessagesStats(BaseModel):
    """The queues of translations."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "queues": {
                        "high_priority": {
                            "pending": 0,
                            "processing": 2,
                            "oldest_age_seconds": None,
                            "drain_rate": 1.5,
                        },
                        "default": {
                            "pending": 7,
                            "processing": 2,
                            "oldest_age_seconds": 4.2,
                            "drain_rate": 1.5,
                        },
                    },
                    "total_pending": 7,
                    "total_processing": 4,
                }
            ]
        }
    )

    queues: dict[str, MessagesQueue]
    total_pending: int
    total_processing: int


class MessagesHealth(BaseModel):
    """`healthy`, always: anything else is a problem."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "healthy", "service": "babelmill"}]}
    )

    status: str = "healthy"
    service: str = "babelmill"


@router.get("/", responses=refusals(with_token=False))
async def health(context: ContextOf) -> MessagesHealth:
    """Tell that messages are taken: that the job service can be reached and serves."""
    if context.stopping.is_set() or not await context.client.is_serving():
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "The job service cannot be reached.",
            headers={"Retry-After": "1"},
        )
    return MessagesHealth()


@router.get("/queue/stats", responses=refusals(), dependencies=[Depends(only_query())])
async def queue_stats(context: ContextOf, caller: GuestCaller) -> MessagesStats:
    """Count what waits and runs in the two queues."""
    queues: dict[str, MessagesQueue] = {
        name: MessagesQueue(pending=0, processing=0, oldest_age_seconds=None, drain_rate=0.0)
        for name in (_HIGH, _DEFAULT)
    }
    for queue in (await context.client.list_queues(caller)).queues:
        if queue.name.startswith(_MEDIA):
            continue
        found = queues[_HIGH if queue.priority == job_pb2.PRIORITY_URGENT else _DEFAULT]
        found.pending += queue.depth
        found.processing += queue.leased
        found.drain_rate += queue.drain_rate
        if queue.HasField("oldest_age"):
            age = queue.oldest_age.ToTimedelta().total_seconds()
            found.oldest_age_seconds = max(age, found.oldest_age_seconds or 0.0)
    return MessagesStats(
        queues=queues,
        total_pending=sum(each.pending for each in queues.values()),
        total_processing=sum(each.processing for each in queues.values()),
    )
