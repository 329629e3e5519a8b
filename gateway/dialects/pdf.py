"""The PDF dialect: `/api/v1/upload` translates a document, `/api/v1/status/{job_id}` tells how far.

Stages follow the job's steps: a stage is over when the last step of its kind is.
Other documents than PDF are taken too.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.responses import Response

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.dialects import jobs, results, uploads
from gateway.dialects.bodies import refusal_of
from gateway.dialects.callers import GuestCaller, OptionsOf
from gateway.dialects.words import Phase, changed_at, error_of, percent_of, phase_of, step_phase_of
from gateway.problem_details import ProblemError
from gateway.routes.context import ContextOf, only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals
from gateway.transcoding.words import PriorityWord, RequestText, time_of

router = APIRouter(prefix="/api/v1", tags=["dialect: pdf"])

# In the order of the pipeline: the kinds of steps, and what the stage is called.
_STAGES = (
    ("extract", "EXTRACTING"),
    ("translate_segments", "TRANSLATING"),
    ("adapt_tone", "CUSTOMIZING_TONE"),
    ("reconstruct", "RECONSTRUCTING"),
)
_ENDED = {
    Phase.COMPLETED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.CANCELLED: "CANCELLED",
}
_FIELDS = {"artifact_id": "file", "target_languages": "target_language", "options.tone": "tone"}
_LISTS = ("target_language", "target_languages")
_TONES = ("neutral", "formal", "informal")


class PdfUploadForm(BaseModel):
    """The fields beside the file."""

    source_language: RequestText = ""
    target_language: list[RequestText] = Field(default_factory=list)
    target_languages: list[RequestText] = Field(default_factory=list)
    tone: RequestText = Field(default="", pattern="^(|neutral|formal|informal)$")
    domain: RequestText = ""
    priority: PriorityWord = PriorityWord.NORMAL

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if isinstance(value, str):
            return [each.strip() for each in value.split(",") if each.strip()]
        return value


class PdfUpload(BaseModel):
    """The accepted job."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "status": "PENDING",
                    "filename": "manual.pdf",
                    "size_bytes": 48213,
                    "target_languages": ["pt"],
                    "message": "File uploaded, translation started",
                }
            ]
        }
    )

    job_id: str
    status: str = "PENDING"
    filename: str
    size_bytes: int
    target_languages: list[str]
    message: str = "File uploaded, translation started"


class PdfStatus(BaseModel):
    """A job as it is now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "status": "TRANSLATING",
                    "stage": "TRANSLATING",
                    "progress": 42,
                    "eta": "2030-01-31T12:00:09Z",
                    "eta_seconds": 6,
                    "error": None,
                    "filename": "manual.pdf",
                    "created_at": "2030-01-31T12:00:00Z",
                    "updated_at": "2030-01-31T12:00:03Z",
                    "completed_at": None,
                    "download_urls": {},
                }
            ]
        }
    )

    job_id: str
    status: str = Field(
        description="PENDING, EXTRACTING, TRANSLATING, CUSTOMIZING_TONE, RECONSTRUCTING, "
        "COMPLETED, FAILED or CANCELLED."
    )
    stage: str = Field(description="The same word.")
    progress: int = Field(description="In percent.")
    eta: datetime | None = Field(description="When it should end, once a rate is known.")
    eta_seconds: int | None
    error: str | None = Field(
        description="Also of a completed job: why some of its languages are missing."
    )
    filename: str | None
    created_at: datetime | None
    updated_at: datetime | None
    completed_at: datetime | None
    download_urls: dict[str, str] = Field(description="By language, as soon as it is done.")


_FORM: dict[str, Any] = {  # Any: a JSON schema
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "target_language": {
            "type": "string",
            "description": "By BCP 47; several separated by commas. Needed unless the operator "
            "has set one.",
        },
        "source_language": {"type": "string", "description": "Empty: it is detected."},
        "tone": {"type": "string", "enum": list(_TONES)},
        "domain": {"type": "string"},
        "priority": {"type": "string", "enum": ["urgent", "normal", "low"]},
    },
}


@router.post(
    "/upload",
    responses=refusals(408, 409, 413, 415, 507),
    dependencies=[Depends(only_query())],
    openapi_extra={
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    },
)
async def upload(
    request: Request,
    context: ContextOf,
    caller: GuestCaller,
    options: OptionsOf,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> PdfUpload:
    """Upload a document, which starts its translation; the answer does not wait for it."""
    if not uploads.is_form(request):
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "Send the file in a form, as multipart/form-data.",
        )
    stored = await uploads.store_form(
        request,
        context,
        caller,
        file_names=("file",),
        fields=("source_language", "tone", "domain", "priority"),
        lists=_LISTS,
    )
    try:
        given = PdfUploadForm.model_validate(stored.fields)
    except ValidationError as error:
        raise refusal_of(error) from None
    languages = [*given.target_language, *given.target_languages]
    if not languages and options.target_language:
        languages = [options.target_language]
    if not languages:
        raise jobs.missing("target_language")
    spec = translation_pb2.TranslateDocumentSpec(
        artifact_id=stored.artifact.artifact_id,
        source_language=given.source_language,
        target_languages=languages,
    )
    spec.options.domain = given.domain
    if given.tone:
        spec.options.tone = translation_pb2.Tone.Value(f"TONE_{given.tone.upper()}")
    message = job_service_pb2.CreateJobRequest(
        spec=job_pb2.JobSpec(translate_document=spec),
        priority=job_pb2.Priority.Value(f"PRIORITY_{given.priority.upper()}"),
        request_id=idempotency_key or "",
        labels={
            jobs.DIALECT_LABEL: "pdf",
            "filename": jobs.label(stored.artifact.filename, "file"),
        },
    )
    job = await jobs.submit(context, caller, message, _FIELDS)
    return PdfUpload(
        job_id=job.job_id,
        filename=stored.artifact.filename,
        size_bytes=stored.artifact.digest.size_bytes,
        target_languages=languages,
    )


@router.get("/status/{job_id}", responses=refusals(404), dependencies=[Depends(only_query())])
async def get_status(context: ContextOf, caller: GuestCaller, job_id: JobId) -> PdfStatus:
    """Get a job's stage, progress and expected end."""
    job = await jobs.find(context, caller, job_id, "translate_document")
    stage = stage_of(job)
    eta = time_of(job.progress, "eta") if stage not in _ENDED.values() else None
    return PdfStatus(
        job_id=job.job_id,
        status=stage,
        stage=stage,
        progress=percent_of(job),
        eta=eta,
        eta_seconds=None
        if eta is None
        else max(0, round((eta - datetime.now(UTC)).total_seconds())),
        error=error_of(job),
        filename=job.labels.get("filename") or None,
        created_at=time_of(job, "create_time"),
        updated_at=time_of(job.progress, "update_time") or changed_at(job),
        completed_at=time_of(job, "finish_time"),
        download_urls={
            target.key: f"/api/v1/download/{job.job_id}?language={target.key}"
            for target in results.completed_targets(job)
        },
    )


@router.get(
    "/download/{job_id}",
    response_class=Response,
    responses={
        200: {"description": "The document.", "content": {"*/*": {}}},
        **refusals(404, 409, 410, 416),
    },
    dependencies=[Depends(only_query("language"))],
)
async def download_document(
    request: Request,
    context: ContextOf,
    caller: GuestCaller,
    job_id: JobId,
    language: Annotated[
        str | None, Query(description="One of several; without it, the first.", max_length=64)
    ] = None,
) -> Response:
    """Download a translated document."""
    job = await jobs.find(context, caller, job_id, "translate_document")
    return await results.download(request, context, caller, job, language)


def stage_of(job: job_pb2.Job) -> str:
    """Name the first stage that has not ended; the others may run already for other parts."""
    phase = phase_of(job.state)
    if phase in _ENDED:
        return _ENDED[phase]
    if phase is not Phase.RUNNING:
        return "PENDING"
    for kind, stage in _STAGES:
        if any(step.kind == kind and step_phase_of(step.state) not in _ENDED for step in job.steps):
            return stage
    return _STAGES[-1][1]
