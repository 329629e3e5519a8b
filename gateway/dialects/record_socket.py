"""The records dialect's WebSocket: a job's progress, in the words of its other answers."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, WebSocket
from pydantic import BaseModel, Field
from starlette.responses import Response

from babelmill.client.updates import Event, ProgressTick, Snapshot, Update
from babelmill.jobs.v1 import job_event_pb2, job_pb2
from gateway.dialects.callers import TokenCaller
from gateway.dialects.record_shapes import RecordsJob, job_status, records_job, step_status
from gateway.problem_details import MEDIA_TYPE, Problem, ProblemError
from gateway.routes.context import only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals
from gateway.routes.sockets import serve_job, socket_caller, upgrade_required
from gateway.transcoding.words import time_of

router = APIRouter(prefix="/api/v1/translation-jobs", tags=["dialect: records"])


class RecordsNotice(BaseModel):
    """One message. What does not belong to its type is left out."""

    type: Literal["job", "status", "subtask", "progress", "end", "error"]
    sequence: int | None = Field(default=None, description="To resume after: `after_sequence`.")
    job_id: str | None = None
    job: RecordsJob | None = None
    status: str | None = None
    subtask: str | None = Field(default=None, description="Its name.")
    progress: int | None = Field(default=None, description="In percent.")
    eta: datetime | None = None
    error: str | None = None
    problem: Problem | None = None


@router.websocket("/{job_id}/ws")
async def watch_job(websocket: WebSocket, job_id: str) -> None:
    """Notify of a job's progress until it has ended."""

    def write(update: Update) -> str | None:
        notice = _notice(update, job_id)
        return None if notice is None else _written(notice)

    await serve_job(
        websocket,
        job_id,
        caller=socket_caller(websocket, "bearer", "token"),
        write=write,
        end=lambda sequence: _written(RecordsNotice(type="end", job_id=job_id, sequence=sequence)),
        problem=lambda problem: _written(
            RecordsNotice(type="error", job_id=job_id, problem=problem)
        ),
        check=_check_kind,
    )


@router.get(
    "/{job_id}/ws",
    status_code=HTTPStatus.UPGRADE_REQUIRED,
    response_class=Response,
    responses={
        101: {"description": "The WebSocket. Each text frame is JSON, with a `type`."},
        426: {
            "description": "The request does not ask for a WebSocket.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
        **refusals(404),
    },
    dependencies=[Depends(only_query("after_sequence"))],
)
async def describe_socket(
    caller: TokenCaller,
    job_id: JobId,
    after_sequence: Annotated[
        int | None,
        Query(
            ge=0, le=2**63 - 1, description="Resume after this `sequence`; absent, `job` is first."
        ),
    ] = None,
) -> None:
    """Be notified of a job's progress over a WebSocket.

    Types: `job` (the whole job), `status`, `subtask`, `progress`, `end`, `error`.
    Tokens and codes are those of `/v1/jobs/{job_id}/ws`.
    """
    del caller, job_id, after_sequence
    raise upgrade_required()


def _check_kind(job: job_pb2.Job) -> None:
    if job.spec.WhichOneof("kind") != "translate_records":
        raise ProblemError(HTTPStatus.NOT_FOUND, "JOB_NOT_FOUND", "There is no such job.")


def _written(notice: RecordsNotice) -> str:
    return notice.model_dump_json(exclude_none=True)


def _notice(update: Update, job_id: str) -> RecordsNotice | None:
    if isinstance(update, Snapshot):
        return RecordsNotice(type="job", sequence=update.sequence, job=records_job(update.job))
    if isinstance(update, ProgressTick):
        return RecordsNotice(
            type="progress",
            job_id=job_id,
            progress=int(update.progress.percent),
            eta=time_of(update.progress, "eta"),
        )
    return _of_event(update, job_id)


def _of_event(update: Event, job_id: str) -> RecordsNotice | None:
    event: job_event_pb2.JobEvent = update.event
    kind = event.WhichOneof("fact")
    if kind == "job_state_changed":
        changed = event.job_state_changed
        return RecordsNotice(
            type="status",
            sequence=update.sequence,
            job_id=job_id,
            status=job_status(changed.state),
            error=changed.error.message if changed.HasField("error") else None,
        )
    if kind == "step_state_changed":
        step = event.step_state_changed
        return RecordsNotice(
            type="subtask",
            sequence=update.sequence,
            job_id=job_id,
            subtask=step.name,
            status=step_status(step.state),
            error=step.error.message if step.HasField("error") else None,
        )
    return None
