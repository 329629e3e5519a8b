"""The records dialect's WebSocket: a job's progress, in the words of its other answers."""

from datetime import datetime
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, Field

from babelmill.client.updates import Event, ProgressTick, Snapshot, Update
from babelmill.jobs.v1 import job_event_pb2, job_pb2
from gateway.dialects.record_shapes import RecordsJob, job_status, records_job, step_status
from gateway.problem_details import Problem, ProblemError
from gateway.routes.sockets import serve_job, socket_caller
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
