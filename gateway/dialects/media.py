"""The media dialect: `/api/v1/submit_job` and `/api/v1/job/{id}/status`.

A job's source is a file that was uploaded: named by its artifact id, or sent
along in a form. Priorities are high and low, states are upper case.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.media.v1 import media_pb2
from gateway.dialects import jobs, results, uploads
from gateway.dialects.bodies import json_body, refusal_of
from gateway.dialects.callers import GuestCaller
from gateway.dialects.sources import source_artifact
from gateway.dialects.words import Phase, error_of, phase_of
from gateway.jobs_client.caller import Caller
from gateway.routes.context import Context, ContextOf, only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals
from gateway.transcoding.words import RequestText, time_of

router = APIRouter(prefix="/api/v1", tags=["dialect: media"])

_QUEUED_SECONDS = 2.0
_MEBIBYTE = 1024 * 1024
STATUS = {
    Phase.PENDING: "PENDING",
    Phase.QUEUED: "QUEUED",
    Phase.RUNNING: "IN_PROGRESS",
    Phase.COMPLETED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
}
_FIELDS = {"artifact_id": "source_file", "preset": "target_format"}
_PRIORITIES = {"high": job_pb2.PRIORITY_URGENT, "low": job_pb2.PRIORITY_LOW}
_SOURCE, _FORMAT = "source_file", "target_format"
# Of several presets with one extension, the one that plays everywhere.
_USUAL = {"mkv": "mkv-h264", "mov": "mov-h264", "mp4": "mp4-h264", "webm": "webm-vp9"}


class MediaJobRequest(BaseModel):
    """What to make of which file."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"source_file": "video.mp4", "target_format": "avi", "priority": "high"}]
        },
    )

    source_file: RequestText = Field(
        min_length=1,
        max_length=255,
        description="Name of an uploaded file, the newest one of that name; or its artifact id.",
    )
    target_format: RequestText = Field(
        min_length=1,
        max_length=64,
        description="A file extension, such as `mp3`, or a preset of `GET /v1/presets`.",
    )
    priority: Literal["high", "low"] = Field(default="low", description="`high` or `low`.")


class NewMediaJob(BaseModel):
    """The accepted job."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "status": "QUEUED",
                    "priority": "high",
                    "source_file": "video.mp4",
                    "target_format": "avi",
                    "created_at": "2030-01-31T12:00:00Z",
                    "queued_at": "2030-01-31T12:00:00Z",
                    "message": "Job submitted successfully",
                }
            ]
        }
    )

    job_id: str
    status: str
    priority: str
    source_file: str
    target_format: str
    created_at: datetime | None
    queued_at: datetime | None
    message: str = "Job submitted successfully"


class MediaMetrics(BaseModel):
    """What the work cost, as it was measured. A figure that was not measured is null."""

    peak_cpu_usage: int | None = Field(description="In percent of one core; two full ones are 200.")
    memory_usage_mb: int | None = Field(description="The largest resident memory, in MiB.")
    processing_time_seconds: float | None


class MediaJob(BaseModel):
    """A job as it is now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "source_file": "video.mp4",
                    "target_format": "avi",
                    "priority": "high",
                    "status": "COMPLETED",
                    "error_message": None,
                    "created_at": "2030-01-31T12:00:00Z",
                    "queued_at": "2030-01-31T12:00:00Z",
                    "started_at": "2030-01-31T12:00:01Z",
                    "completed_at": "2030-01-31T12:00:05Z",
                    "metrics": {
                        "peak_cpu_usage": 178,
                        "memory_usage_mb": 112,
                        "processing_time_seconds": 4.23,
                    },
                }
            ]
        }
    )

    id: str
    source_file: str | None
    target_format: str | None
    priority: str
    status: str = Field(description="PENDING, QUEUED, IN_PROGRESS, COMPLETED, FAILED or CANCELLED.")
    error_message: str | None
    created_at: datetime | None
    queued_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    metrics: MediaMetrics | None = Field(description="Null until the job has completed.")


@router.post(
    "/submit_job",
    status_code=HTTPStatus.CREATED,
    response_model=NewMediaJob,
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(only_query())],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": MediaJobRequest.model_json_schema()},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["source_file", "target_format"],
                        "properties": {
                            "source_file": {"type": "string", "format": "binary"},
                            "target_format": {"type": "string"},
                            "priority": {"type": "string", "enum": ["high", "low"]},
                        },
                    }
                },
            },
        }
    },
)
async def submit_job(
    request: Request,
    context: ContextOf,
    caller: GuestCaller,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> NewMediaJob:
    """Submit a media job; the answer comes when it is queued, or after two seconds."""
    if uploads.is_form(request):
        given, artifact_id = await _uploaded(request, context, caller)
    else:
        given = await json_body(request, MediaJobRequest)
        artifact_id = await source_artifact(context, caller, given.source_file, _SOURCE)
    preset = await _preset_of(context, caller, given.target_format)
    message = job_service_pb2.CreateJobRequest(
        spec=job_pb2.JobSpec(
            transcode=media_pb2.TranscodeSpec(artifact_id=artifact_id, preset=preset)
        ),
        priority=_PRIORITIES[given.priority],
        request_id=idempotency_key or "",
        labels={
            jobs.DIALECT_LABEL: "media",
            _SOURCE: jobs.label(given.source_file, _SOURCE),
            _FORMAT: given.target_format,
        },
    )
    job = await jobs.submit(context, caller, message, _FIELDS)
    job = await jobs.wait(
        context, caller, job, lambda state: phase_of(state) is not Phase.PENDING, _QUEUED_SECONDS
    )
    return NewMediaJob(
        job_id=job.job_id,
        # It may be further already; it was queued on the way there.
        status="PENDING" if phase_of(job.state) is Phase.PENDING else "QUEUED",
        priority=given.priority,
        source_file=given.source_file,
        target_format=given.target_format,
        created_at=time_of(job, "create_time"),
        queued_at=time_of(job, "queue_time"),
    )


@router.get("/job/{job_id}/status", responses=refusals(404), dependencies=[Depends(only_query())])
async def get_status(context: ContextOf, caller: GuestCaller, job_id: JobId) -> MediaJob:
    """Get a job's status, and what it cost once it has completed."""
    job = await jobs.find(context, caller, job_id, "transcode")
    phase = phase_of(job.state)
    return MediaJob(
        id=job.job_id,
        source_file=job.labels.get(_SOURCE) or None,
        target_format=job.labels.get(_FORMAT) or job.spec.transcode.preset,
        priority="high" if job.priority == job_pb2.PRIORITY_URGENT else "low",
        status=STATUS[phase],
        error_message=error_of(job) if phase is Phase.FAILED else None,
        created_at=time_of(job, "create_time"),
        queued_at=time_of(job, "queue_time"),
        started_at=time_of(job, "start_time"),
        completed_at=time_of(job, "finish_time"),
        metrics=_metrics(job) if phase is Phase.COMPLETED else None,
    )


@router.get(
    "/job/{job_id}/download",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"*/*": {}}},
        **refusals(404, 409, 410, 416),
    },
    dependencies=[Depends(only_query())],
)
async def download_output(
    request: Request, context: ContextOf, caller: GuestCaller, job_id: JobId
) -> Response:
    """Download what a job has made."""
    job = await jobs.find(context, caller, job_id, "transcode")
    return await results.download(request, context, caller, job, None)


async def _uploaded(
    request: Request, context: Context, caller: Caller
) -> tuple[MediaJobRequest, str]:
    form = await uploads.store_form(
        request,
        context,
        caller,
        file_names=("source_file", "file"),
        fields=("target_format", "priority"),
    )
    values = {**form.fields, "source_file": form.artifact.filename}
    try:
        return MediaJobRequest.model_validate(values), form.artifact.artifact_id
    except ValidationError as error:
        raise refusal_of(error) from None


async def _preset_of(context: Context, caller: Caller, target_format: str) -> str:
    """Find the preset that makes such a file; an unknown format is passed on, to be refused."""
    wanted = target_format.lower().removeprefix(".")
    presets = (await context.client.list_presets(caller)).presets
    names = [each.name for each in presets]
    if target_format in names:
        return target_format
    if _USUAL.get(wanted) in names:
        return _USUAL[wanted]
    fitting = [
        each.name
        for each in presets
        if each.file_extension == wanted
        and each.kind in (media_pb2.PRESET_KIND_VIDEO, media_pb2.PRESET_KIND_AUDIO)
    ]
    return next(iter(fitting), wanted)


def _metrics(job: job_pb2.Job) -> MediaMetrics:
    usage = job.usage
    return MediaMetrics(
        peak_cpu_usage=round(usage.peak_cpu_percent)
        if usage.HasField("peak_cpu_percent")
        else None,
        memory_usage_mb=round(usage.peak_rss_bytes / _MEBIBYTE)
        if usage.HasField("peak_rss_bytes")
        else None,
        processing_time_seconds=round(usage.processing_seconds, 2)
        if usage.HasField("processing_seconds")
        else None,
    )
