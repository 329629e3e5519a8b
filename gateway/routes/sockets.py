"""A job's events over a WebSocket, resumable by their sequence: what SSE tells, in frames."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, WebSocket
from pydantic import BaseModel, Field
from starlette.responses import Response

from babelmill.client.errors import BabelmillError
from babelmill.client.updates import Update
from babelmill.jobs.v1 import job_pb2
from babelmill.kit.wire.status_details import FieldViolation
from gateway.http import sockets, sse
from gateway.http.sockets import SocketRefusal
from gateway.jobs_client.caller import Caller
from gateway.problem_details import MEDIA_TYPE, Problem, ProblemError, from_client_error, problem_of
from gateway.routes.context import CallerOf, Context, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.events import EndEvent, EventData, update_to_event

router = APIRouter(prefix="/v1", tags=["jobs"])

_LARGEST_SEQUENCE = 2**63 - 1
_LONGEST_TOKEN = 4096

_FRAME_EXAMPLE = (
    '{"event":"job_state","id":5,'
    '"data":{"job_id":"01890a5d-ac96-774b-bcce-b302099a8057","sequence":5,"state":"completed"}}'
)

Write: TypeAlias = Callable[[Update], str | None]
"""Writes an update as a message; None leaves it out."""
Check: TypeAlias = Callable[[job_pb2.Job], None]
"""Raises ProblemError for a job that is not to be watched here."""


class SocketEvent(BaseModel):
    """One frame: what an event of the stream of Server-Sent Events says."""

    event: str = Field(description="As in the stream of Server-Sent Events.")
    id: int | None = Field(description="The sequence to resume after, of what is numbered.")
    data: EventData | Problem


@router.websocket("/jobs/{job_id}/ws")
async def watch_job_over_a_socket(websocket: WebSocket, job_id: str) -> None:
    """Watch a job."""
    await serve_job(
        websocket,
        job_id,
        caller=socket_caller(websocket, "bearer"),
        write=_write,
        end=lambda sequence: _frame("end", None, EndEvent(job_id=job_id, sequence=sequence)),
        problem=lambda problem: _frame("problem", None, problem),
    )


@router.get(
    "/jobs/{job_id}/ws",
    status_code=HTTPStatus.UPGRADE_REQUIRED,
    response_class=Response,
    responses={
        101: {
            "description": "The WebSocket. Each text frame is JSON, with an event's name, its id "
            "(null if it is not numbered) and its data: `" + _FRAME_EXAMPLE + "`.",
        },
        **refusals(404),
        426: {
            "description": "The request does not ask for a WebSocket.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
    dependencies=[Depends(only_query("after_sequence"))],
)
async def describe_socket(
    caller: CallerOf,
    job_id: Annotated[
        str, Path(description="A UUID.", examples=["01890a5d-ac96-774b-bcce-b302099a8057"])
    ],
    after_sequence: Annotated[
        int | None,
        Query(
            ge=0,
            le=_LARGEST_SEQUENCE,
            description="Start with the events after this one; 0 replays all. "
            "Absent, the stream starts with a snapshot.",
        ),
    ] = None,
) -> None:
    """Watch a job over a WebSocket.

    Frames say what the stream of Server-Sent Events says. To resume, connect
    again with `after_sequence` set to the last `id`. A browser, which cannot
    send `Authorization`, offers the subprotocols `babelmill.v1` and
    `babelmill.token.TOKEN`. It is closed with 1000 after `end`, with 1012 when
    the server goes away, and with 4000 and an HTTP status after `problem`.
    """
    del caller, job_id, after_sequence
    raise upgrade_required()


def upgrade_required() -> ProblemError:
    """Make the refusal of a request that does not ask for a WebSocket."""
    return ProblemError(
        HTTPStatus.UPGRADE_REQUIRED,
        "UPGRADE_REQUIRED",
        "Ask for a WebSocket here.",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


def socket_caller(websocket: WebSocket, *schemes: str) -> Caller:
    """Give the caller of the header, else of the subprotocol; one without a token else."""
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() in schemes else sockets.token_of(websocket)
    usable = 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isprintable()
    return Caller(f"Bearer {token}") if usable else Caller()


async def serve_job(
    websocket: WebSocket,
    job_id: str,
    *,
    caller: Caller,
    write: Write,
    end: Callable[[int], str],
    problem: Callable[[Problem], str],
    check: Check | None = None,
) -> None:
    """Serve a job's watch; refusals before its first message are answers to the handshake."""
    started = time.monotonic()
    context: Context = websocket.app.state.context
    try:
        after = _after_sequence(websocket)
        job = await context.client.get_job(caller, job_id)
        if check is not None:
            check(job)
        if after is not None and after > job.sequence:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                "SEQUENCE_BEYOND_END",
                "The job has no such event yet; watch without it.",
                metadata={"sequence": str(job.sequence)},
            )
    except BabelmillError as error:
        await sockets.refuse(websocket, from_client_error(error), started)
        return
    except ProblemError as error:
        await sockets.refuse(websocket, error, started)
        return
    watch = context.client.watch_job(caller, job.job_id, after)

    async def messages() -> AsyncGenerator[str]:
        sequence = after or 0
        try:
            async for update in watch:
                sequence = update.sequence
                message = write(update)
                if message is not None:
                    yield message
        except BabelmillError as error:
            refused = from_client_error(error)
            raise SocketRefusal(refused.status.value, problem(problem_of(refused))) from error
        yield end(sequence)

    await _closing(
        sockets.serve(
            websocket,
            messages(),
            stopping=context.stopping,
            stall_seconds=context.limits.send_stall_seconds,
        ),
        watch.aclose,
    )


async def _closing(serving: Awaitable[None], close: Callable[[], Awaitable[None]]) -> None:
    try:
        await serving
    finally:
        await close()


def _after_sequence(websocket: WebSocket) -> int | None:
    unknown = [name for name in websocket.query_params if name != "after_sequence"]
    if unknown:
        raise _invalid(unknown[0][:64], "there is no such parameter", "UNKNOWN_FIELD")
    given = websocket.query_params.get("after_sequence")
    if given is None:
        return None
    try:
        sequence = sse.parse_last_event_id(given)
    except ValueError:
        sequence = _LARGEST_SEQUENCE + 1
    if sequence > _LARGEST_SEQUENCE:
        raise _invalid("after_sequence", "is not a sequence", "INVALID")
    return sequence


def _invalid(field: str, description: str, reason: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        "INVALID_REQUEST",
        "The request is wrong; see violations.",
        violations=[FieldViolation(field, description, reason)],
    )


def _write(update: Update) -> str:
    name, event_id, data = update_to_event(update)
    return _frame(name, event_id, data)


def _frame(name: str, event_id: int | None, data: EventData | Problem) -> str:
    return SocketEvent(event=name, id=event_id, data=data).model_dump_json()
