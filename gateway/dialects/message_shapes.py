"""What requests and answers of the messages dialect look like."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from babelmill.jobs.v1 import job_pb2
from gateway.dialects import results
from gateway.dialects.words import Phase, changed_at, error_of, percent_of, phase_of
from gateway.jobs_client.caller import Caller
from gateway.routes.context import Context
from gateway.transcoding.words import RequestText, time_of

LOWEST_HIGH_PRIORITY = 5
"""Of 0 to 10; from here on up a message is for the high queue."""

HIGH_QUEUE, DEFAULT_QUEUE = "high_priority", "default"
MODEL_LABEL, PRIORITY_LABEL, METADATA_LABEL = "model_name", "priority", "metadata."
STATUS = {
    Phase.PENDING: "pending",
    Phase.QUEUED: "pending",
    Phase.RUNNING: "processing",
    Phase.COMPLETED: "completed",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "cancelled",
}


class MessageMetadata(BaseModel):
    """What is to be translated into what; further fields are kept and told again."""

    model_config = ConfigDict(extra="allow")

    source_language: RequestText = Field(default="", description="Empty: it is detected.")
    target_language: RequestText = Field(description="By BCP 47.")
    domain: RequestText = Field(default="", description="Such as `legal`; models are told of it.")


class NewMessage(BaseModel):
    """A text to translate."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "content": "Hello world! This text needs to be translated.",
                    "model_name": "gpt-4",
                    "api_key": "your-api-key-here",
                    "priority": 10,
                    "metadata": {
                        "source_language": "en",
                        "target_language": "fr",
                        "domain": "general",
                    },
                }
            ]
        },
    )

    content: RequestText
    model_name: RequestText = Field(
        default="",
        max_length=200,
        description="With `api_key` or `base_url`, a chat model; else an engine of "
        "`GET /v1/engines`; empty chooses the best route.",
    )
    api_key: RequestText = Field(
        default="",
        repr=False,
        description="Kept encrypted, for this message alone, until it ends; never sent back.",
    )
    base_url: RequestText = Field(
        default="", description="Of a chat completions API; empty: as the operator has set."
    )
    priority: int = Field(default=0, ge=0, le=10, description="5 and more is the high queue.")
    metadata: MessageMetadata


class Message(BaseModel):
    """A message as it is now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "message_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "status": "completed",
                    "content": "Hello world! This text needs to be translated.",
                    "model_name": "gpt-4",
                    "priority": 10,
                    "queue": "high_priority",
                    "metadata": {
                        "source_language": "en",
                        "target_language": "fr",
                        "domain": "general",
                    },
                    "progress": 100,
                    "result": "Bonjour le monde ! Ce texte doit \u00eatre traduit.",
                    "error": None,
                    "retries": 0,
                    "created_at": "2030-01-31T12:00:00Z",
                    "updated_at": "2030-01-31T12:00:02Z",
                    "completed_at": "2030-01-31T12:00:02Z",
                }
            ]
        }
    )

    id: str
    message_id: str = Field(description="The same id.")
    status: str = Field(description="pending, processing, completed, failed or cancelled.")
    content: str | None
    model_name: str | None
    priority: int
    queue: str = Field(description="high_priority or default.")
    metadata: dict[str, str]
    progress: int = Field(description="In percent.")
    result: str | None
    error: str | None
    retries: int = Field(description="Attempts after the first.")
    created_at: datetime | None
    updated_at: datetime | None
    completed_at: datetime | None


class MessageProcess(BaseModel):
    """Which message is asked about."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"message_id": "01890a5d-ac96-774b-bcce-b302099a8057"}]},
    )

    message_id: RequestText = ""


class NewMessageStatus(BaseModel):
    """What a message is to become."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"status": "cancelled"}]}
    )

    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    api_key: RequestText = Field(
        default="", repr=False, description="To try again a message that had one."
    )


async def message_of(context: Context, caller: Caller, job: job_pb2.Job) -> Message:
    """Write a message; its translation is fetched if it is long."""
    spec = job.spec.translate_text
    completed = results.completed_targets(job)
    named = {
        "source_language": spec.source_language,
        "target_language": next(iter(spec.target_languages), ""),
        "domain": spec.options.domain,
    }
    return Message(
        id=job.job_id,
        message_id=job.job_id,
        status=STATUS[phase_of(job.state)],
        content=spec.text if spec.WhichOneof("source") == "text" else None,
        model_name=job.labels.get(MODEL_LABEL) or None,
        priority=_priority_of(job),
        queue=HIGH_QUEUE if job.priority == job_pb2.PRIORITY_URGENT else DEFAULT_QUEUE,
        metadata={
            **{name: value for name, value in named.items() if value},
            **{
                name.removeprefix(METADATA_LABEL): value
                for name, value in job.labels.items()
                if name.startswith(METADATA_LABEL)
            },
        },
        progress=percent_of(job),
        result=await results.text_of(context, caller, completed[0]) if completed else None,
        error=error_of(job),
        retries=max(0, job.attempts - 1),
        created_at=time_of(job, "create_time"),
        updated_at=changed_at(job),
        completed_at=time_of(job, "finish_time"),
    )


def _priority_of(job: job_pb2.Job) -> int:
    given = job.labels.get(PRIORITY_LABEL, "")
    if given.isascii() and given.isdigit():
        return int(given)
    # A job that came another way: the least that its queue stands for.
    return LOWEST_HIGH_PRIORITY if job.priority == job_pb2.PRIORITY_URGENT else 0
