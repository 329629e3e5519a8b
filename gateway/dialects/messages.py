"""The messages dialect: texts as messages under `/messages`, figures at `/queue/stats`.

Workers take messages by themselves. What let a client of the older system take
or change one (`next`, `process`, `status`) shows what is so, and changes only
what a client may: docs/adr/007-dialects-say-what-is-true.md.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field

from babelmill.client.jobs import is_final
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.dialects import jobs, results
from gateway.dialects.callers import GuestCaller, OptionsOf
from gateway.dialects.words import Phase, changed_at, error_of, percent_of, phase_of
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.routes.context import Context, ContextOf, json_if_any, json_only, only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals
from gateway.transcoding.words import RequestText, time_of

router = APIRouter(prefix="/messages", tags=["dialect: messages"])

_LOWEST_HIGH_PRIORITY = 5
_HIGH, _DEFAULT = "high_priority", "default"
_MODEL, _PRIORITY, _METADATA = "model_name", "priority", "metadata."
STATUS = {
    Phase.PENDING: "pending",
    Phase.QUEUED: "pending",
    Phase.RUNNING: "processing",
    Phase.COMPLETED: "completed",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "cancelled",
}
FIELDS = {
    "text": "content",
    "source_language": "metadata.source_language",
    "target_languages": "metadata.target_language",
    "target_languages[0]": "metadata.target_language",
    "options.engines[0]": _MODEL,
    "options.domain": "metadata.domain",
    "options.engines": _MODEL,
    "options.chat_model.model_name": _MODEL,
    "options.chat_model.api_key": "api_key",
    "options.chat_model.base_url": "base_url",
}
_PAGE, _MOST_PAGES = 500, 20
_CANCEL_SECONDS = 18.0


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


@router.post(
    "",
    responses=refusals(408, 409, 413, 415),
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def create_message(
    context: ContextOf,
    caller: GuestCaller,
    options: OptionsOf,
    given: NewMessage,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Message:
    """Add a text to the queue."""
    request = job_service_pb2.CreateJobRequest(
        spec=job_pb2.JobSpec(translate_text=_spec_of(given, options.chat_base_url)),
        priority=job_pb2.PRIORITY_URGENT
        if given.priority >= _LOWEST_HIGH_PRIORITY
        else job_pb2.PRIORITY_NORMAL,
        request_id=idempotency_key or "",
        labels={
            jobs.DIALECT_LABEL: "messages",
            _PRIORITY: str(given.priority),
            **({_MODEL: given.model_name} if given.model_name else {}),
            **{
                f"{_METADATA}{name}": jobs.label(value, f"metadata.{name}")
                for name, value in (given.metadata.model_extra or {}).items()
            },
        },
    )
    job = await jobs.submit(context, caller, request, FIELDS)
    return await _message(context, caller, job)


@router.get("/next", responses=refusals(404), dependencies=[Depends(only_query())])
async def next_message(context: ContextOf, caller: GuestCaller) -> Message:
    """Show the message that waits longest, of the high queue first; it is not taken.

    404 with reason `NO_PENDING_MESSAGE` when none waits.
    """
    waiting = await _oldest(context, caller, _WAITING)
    if waiting is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "NO_PENDING_MESSAGE", "No message is waiting.")
    return await _message(context, caller, await context.client.get_job(caller, waiting))


@router.post(
    "/process",
    responses=refusals(404, 408, 413, 415),
    dependencies=[Depends(json_if_any), Depends(only_query())],
)
async def process_message(
    context: ContextOf, caller: GuestCaller, given: MessageProcess | None = None
) -> Message:
    """Show the named message, or the one that is being processed, or that will be next.

    Workers process messages without being asked to; this starts nothing. 404
    with reason `NO_PENDING_MESSAGE` when there is nothing to do.
    """
    if given is not None and given.message_id:
        return await get_message(context, caller, given.message_id)
    running = await _oldest(context, caller, _RUNNING)
    if running is None:
        return await next_message(context, caller)
    return await _message(context, caller, await context.client.get_job(caller, running))


@router.get("/{message_id}", responses=refusals(404, 410), dependencies=[Depends(only_query())])
async def get_message(context: ContextOf, caller: GuestCaller, message_id: JobId) -> Message:
    """Get a message's status, and its translation once it has completed."""
    job = await jobs.find(context, caller, message_id, "translate_text")
    return await _message(context, caller, job)


@router.post(
    "/{message_id}/status",
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def set_status(
    context: ContextOf, caller: GuestCaller, message_id: JobId, given: NewMessageStatus
) -> Message:
    """Cancel a message (`cancelled`), or try an ended one again (`pending`).

    Trying again makes a new message, which is the answer. Naming the status that
    the message has changes nothing. 409 with reason `STATUS_NOT_SETTABLE` for all
    else: that a message is processing, completed or failed is for workers to say.
    """
    job = await jobs.find(context, caller, message_id, "translate_text")
    if given.status == "cancelled":
        job = await context.client.cancel_job(caller, message_id)
        job = await jobs.wait(
            context,
            caller,
            job,
            lambda state: phase_of(state) not in (Phase.PENDING, Phase.QUEUED, Phase.RUNNING),
            _CANCEL_SECONDS,
        )
    elif given.status == "pending" and is_final(job):
        request = job_service_pb2.RetryJobRequest(job_id=message_id, chat_api_key=given.api_key)
        job = (await context.client.retry_job(caller, request)).job
    elif given.status != STATUS[phase_of(job.state)]:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "STATUS_NOT_SETTABLE",
            "A client can only cancel a message, or try again one that has ended.",
            metadata={"status": STATUS[phase_of(job.state)]},
        )
    return await _message(context, caller, job)


_WAITING = (job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_QUEUED)
_RUNNING = (job_pb2.JOB_STATE_IN_PROGRESS, job_pb2.JOB_STATE_RETRY_WAIT)


def _spec_of(given: NewMessage, chat_base_url: str) -> translation_pb2.TranslateTextSpec:
    spec = translation_pb2.TranslateTextSpec(
        text=given.content,
        source_language=given.metadata.source_language,
        target_languages=[given.metadata.target_language],
    )
    spec.options.domain = given.metadata.domain
    if given.api_key or given.base_url:
        spec.options.engines.append("chat")
        spec.options.chat_model.CopyFrom(
            translation_pb2.ChatModel(
                base_url=given.base_url or chat_base_url,
                model_name=given.model_name,
                api_key=given.api_key,
            )
        )
    elif given.model_name:
        spec.options.engines.append(given.model_name)
    return spec


async def _oldest(
    context: Context, caller: Caller, states: tuple[jobs.JobState, ...]
) -> str | None:
    """Find the message that was given first, of the high queue before the default one."""
    for priority in (job_pb2.PRIORITY_URGENT, job_pb2.PRIORITY_NORMAL):
        request = job_service_pb2.ListJobsRequest(
            page_size=_PAGE,
            filter=job_service_pb2.JobFilter(
                states=states,
                kinds=["translate_text"],
                priorities=[priority],
                labels={jobs.DIALECT_LABEL: "messages"},
            ),
        )
        oldest = None
        for _ in range(_MOST_PAGES):
            # Pages come newest first, so the last one is what counts.
            page = await context.client.list_jobs(caller, request)
            if page.jobs:
                oldest = page.jobs[-1].job_id
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
        if oldest is not None:
            return oldest
    return None


async def _message(context: Context, caller: Caller, job: job_pb2.Job) -> Message:
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
        model_name=job.labels.get(_MODEL) or None,
        priority=_priority_of(job),
        queue=_HIGH if job.priority == job_pb2.PRIORITY_URGENT else _DEFAULT,
        metadata={
            **{name: value for name, value in named.items() if value},
            **{
                name.removeprefix(_METADATA): value
                for name, value in job.labels.items()
                if name.startswith(_METADATA)
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
    given = job.labels.get(_PRIORITY, "")
    if given.isascii() and given.isdigit():
        return int(given)
    # A job that came another way: the least that its queue stands for.
    return _LOWEST_HIGH_PRIORITY if job.priority == job_pb2.PRIORITY_URGENT else 0
