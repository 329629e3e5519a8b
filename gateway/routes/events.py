"""A job's events: as Server-Sent Events, resumable by their sequence, and as a list."""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response

from babelmill.client.errors import BabelmillError
from babelmill.client.jobs import is_final
from babelmill.client.updates import Update
from babelmill.jobs.v1 import job_service_pb2
from babelmill.kit.wire.status_details import FieldViolation
from gateway.http import sse
from gateway.http.streaming import ClosingStream
from gateway.jobs_client.client import Watch
from gateway.problem_details import ProblemError, from_client_error, problem_of
from gateway.routes.context import CallerOf, ContextOf, only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals
from gateway.transcoding.events import EndEvent, JobEvents, events_from_proto, update_to_event

router = APIRouter(prefix="/v1", tags=["jobs"])

_RETRY_MILLISECONDS = 2000
_FIRST_SECONDS = 5.0
_REFUSAL_SECONDS = 0.25
_LARGEST_SEQUENCE = 2**63 - 1

_STREAM_EXAMPLE = """retry: 2000

id: 3
event: snapshot
data: {"job_id":"01890a5d-ac96-774b-bcce-b302099a8057","state":"in_progress","sequence":3}

event: progress
data: {"unit":"characters","done":120.0,"total":400.0,"percent":30.0,"stage":"translate"}

id: 4
event: target
data: {"job_id":"01890a5d-ac96-774b-bcce-b302099a8057","sequence":4,"key":"pt","state":"completed"}

id: 5
event: job_state
data: {"job_id":"01890a5d-ac96-774b-bcce-b302099a8057","sequence":5,"state":"completed"}

event: end
data: {"job_id":"01890a5d-ac96-774b-bcce-b302099a8057","sequence":5}

"""


@router.get(
    "/jobs/{job_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "The stream.",
            "content": {sse.MEDIA_TYPE: {"schema": {"type": "string"}, "example": _STREAM_EXAMPLE}},
        },
        204: {"description": "The job has ended and all its events were received."},
        **refusals(404),
    },
    dependencies=[Depends(only_query("after_sequence"))],
)
async def watch_job(
    context: ContextOf,
    caller: CallerOf,
    job_id: JobId,
    after_sequence: Annotated[
        int | None,
        Query(
            ge=0,
            le=_LARGEST_SEQUENCE,
            description="Start with the events after this one; 0 replays all. "
            "Absent, the stream starts with a snapshot.",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None,
        Header(
            description="As `after_sequence`, and before it: what EventSource sends.",
            examples=["4"],
        ),
    ] = None,
) -> Response:
    """Watch a job.

    Events: `snapshot` (the job), `job_state`, `step_state`, `target` (numbered
    facts, each once, in order, without a gap; `id` is the sequence),
    `progress` (not numbered), and `end`: the job has ended, close the stream.
    A comment is sent when nothing happens for a while. `problem` says that the
    stream cannot go on, with a problem as data. To resume, connect again with
    `Last-Event-ID`; EventSource does it by itself.
    """
    after = _resume_after(after_sequence, last_event_id)
    # Asked first, so that a refusal is a status and not an event, and at once.
    job = await context.client.get_job(caller, job_id)
    if after is not None and after > job.sequence:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "SEQUENCE_BEYOND_END",
            "The job has no such event yet; watch without it.",
            metadata={"sequence": str(job.sequence)},
        )
    if is_final(job) and after == job.sequence:
        # The one answer after which an EventSource does not connect again.
        return Response(status_code=HTTPStatus.NO_CONTENT)
    watch = context.client.watch_job(caller, job.job_id, after)
    first = asyncio.ensure_future(_next(watch))

    async def close() -> None:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await watch.aclose()

    # A refusal comes before the first message, and is a status while there is one to come.
    news = after is None or after < job.sequence
    await asyncio.wait({first}, timeout=_FIRST_SECONDS if news else _REFUSAL_SECONDS)
    if first.done() and first.exception() is not None:
        await close()
        first.result()
    return ClosingStream(
        _stream(context, _events(first, watch, job.job_id, after or 0)),
        on_close=close,
        stall_seconds=context.limits.send_stall_seconds,
        headers=sse.HEADERS,
        media_type=sse.MEDIA_TYPE,
    )


@router.get(
    "/jobs/{job_id}/events:list",
    responses=refusals(404),
    dependencies=[Depends(only_query("after_sequence", "page_size"))],
)
async def list_events(
    context: ContextOf,
    caller: CallerOf,
    job_id: JobId,
    after_sequence: Annotated[
        int,
        Query(ge=0, le=_LARGEST_SEQUENCE, description="Exclusive; 0 starts at the first event."),
    ] = 0,
    page_size: Annotated[int, Query(description="1 to 1000; 0 means 200.", ge=0, le=1000)] = 0,
) -> JobEvents:
    """List a job's events that there are by now, in order.

    Go on after `last_sequence`; an empty page is the end so far.
    """
    request = job_service_pb2.ListJobEventsRequest(
        job_id=job_id, after_sequence=after_sequence, page_size=page_size
    )
    return events_from_proto(await context.client.list_events(caller, request), after_sequence)


async def _stream(
    context: ContextOf, events: AsyncGenerator[sse.ServerEvent]
) -> AsyncGenerator[bytes]:
    yield sse.encode_retry(_RETRY_MILLISECONDS)
    pumped = sse.pump(
        events,
        stopping=context.stopping,
        keep_alive_seconds=context.limits.keep_alive_seconds,
    )
    try:
        async for data in pumped:
            yield data
    finally:
        await pumped.aclose()


async def _next(watch: Watch) -> Update | None:
    return await anext(watch, None)


async def _events(
    first: asyncio.Future[Update | None], watch: Watch, job_id: str, sequence: int
) -> AsyncGenerator[sse.ServerEvent]:
    try:
        update = await first
        while update is not None:
            name, event_id, data = update_to_event(update)
            sequence = event_id or sequence
            yield sse.ServerEvent(name, data.model_dump_json(), event_id)
            update = await _next(watch)
    except BabelmillError as error:
        problem = problem_of(from_client_error(error))
        yield sse.ServerEvent("problem", problem.model_dump_json(exclude_none=True))
        return
    yield sse.ServerEvent("end", EndEvent(job_id=job_id, sequence=sequence).model_dump_json())


def _resume_after(after_sequence: int | None, last_event_id: str | None) -> int | None:
    if not last_event_id:
        return after_sequence
    try:
        sequence = sse.parse_last_event_id(last_event_id)
    except ValueError:
        sequence = _LARGEST_SEQUENCE + 1
    if sequence > _LARGEST_SEQUENCE:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "INVALID_REQUEST",
            "Last-Event-ID is not an id that was sent.",
            violations=[FieldViolation("Last-Event-ID", "is not a sequence", "INVALID")],
        )
    return sequence
