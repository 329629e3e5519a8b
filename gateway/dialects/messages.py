"""The messages dialect: texts as messages under `/messages`, figures at `/queue/stats`.

Workers take messages by themselves. What let a client of the older system take
or change one (`next`, `process`, `status`) shows what is so, and changes only
what a client may: docs/adr/007-dialects-say-what-is-true.md.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header

from babelmill.client.jobs import is_final
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.dialects import jobs
from gateway.dialects.callers import GuestCaller, OptionsOf
from gateway.dialects.message_shapes import (
    LOWEST_HIGH_PRIORITY,
    METADATA_LABEL,
    MODEL_LABEL,
    PRIORITY_LABEL,
    STATUS,
    Message,
    MessageProcess,
    NewMessage,
    NewMessageStatus,
    message_of,
)
from gateway.dialects.words import Phase, phase_of
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.routes.context import Context, ContextOf, json_if_any, json_only, only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals

router = APIRouter(prefix="/messages", tags=["dialect: messages"])

FIELDS = {
    "text": "content",
    "source_language": "metadata.source_language",
    "target_languages": "metadata.target_language",
    "target_languages[0]": "metadata.target_language",
    "options.engines[0]": MODEL_LABEL,
    "options.domain": "metadata.domain",
    "options.engines": MODEL_LABEL,
    "options.chat_model.model_name": MODEL_LABEL,
    "options.chat_model.api_key": "api_key",
    "options.chat_model.base_url": "base_url",
}
_PAGE, _MOST_PAGES = 500, 20
_CANCEL_SECONDS = 18.0


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
        if given.priority >= LOWEST_HIGH_PRIORITY
        else job_pb2.PRIORITY_NORMAL,
        request_id=idempotency_key or "",
        labels={
            jobs.DIALECT_LABEL: "messages",
            PRIORITY_LABEL: str(given.priority),
            **({MODEL_LABEL: given.model_name} if given.model_name else {}),
            **{
                f"{METADATA_LABEL}{name}": jobs.label(value, f"metadata.{name}")
                for name, value in (given.metadata.model_extra or {}).items()
            },
        },
    )
    job = await jobs.submit(context, caller, request, FIELDS)
    return await message_of(context, caller, job)


@router.get("/next", responses=refusals(404), dependencies=[Depends(only_query())])
async def next_message(context: ContextOf, caller: GuestCaller) -> Message:
    """Show the message that waits longest, of the high queue first; it is not taken.

    404 with reason `NO_PENDING_MESSAGE` when none waits.
    """
    waiting = await _oldest(context, caller, _WAITING)
    if waiting is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "NO_PENDING_MESSAGE", "No message is waiting.")
    return await message_of(context, caller, await context.client.get_job(caller, waiting))


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
    return await message_of(context, caller, await context.client.get_job(caller, running))


@router.get("/{message_id}", responses=refusals(404, 410), dependencies=[Depends(only_query())])
async def get_message(context: ContextOf, caller: GuestCaller, message_id: JobId) -> Message:
    """Get a message's status, and its translation once it has completed."""
    job = await jobs.find(context, caller, message_id, "translate_text")
    return await message_of(context, caller, job)


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
    return await message_of(context, caller, job)


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
