"""The Django dialect: translation jobs under `/jobs/`, with `Authorization: Token`.

States are queued, in_progress, completed, failed, cancelled; there is none for
a job that is stopping, so `cancel` waits for the stop.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.dialects import jobs, results, uploads
from gateway.dialects.bodies import json_body, refusal_of
from gateway.dialects.callers import OptionsOf, TokenCaller
from gateway.dialects.words import Phase, error_of, percent_of, phase_of
from gateway.routes.context import ContextOf, only_query
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals
from gateway.transcoding.words import PriorityWord, RequestText, time_of, word

router = APIRouter(prefix="/jobs", tags=["dialect: django"])

_KINDS = ("translate_text", "translate_document", "translate_url")
_CANCEL_SECONDS = 18.0
# "Hello world" could be a sentence of many languages.
_LONG_ENOUGH_TO_TELL = 20
STATUS = {
    Phase.PENDING: "queued",
    Phase.QUEUED: "queued",
    Phase.RUNNING: "in_progress",
    Phase.COMPLETED: "completed",
    Phase.FAILED: "failed",
    Phase.CANCELLED: "cancelled",
}
_FIELDS = {"text": "source_text", "url": "source_url", "artifact_id": "source_file"}


class DjangoJobRequest(BaseModel):
    """What to translate: a text, the content of an address, or a file.

    A file comes in a form as `source_file`, or was uploaded before and is named
    by its artifact id.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "source_type": "text",
                    "source_text": "Hello world",
                    "target_languages": ["fr"],
                    "priority": "normal",
                }
            ]
        },
    )

    source_type: RequestText = Field(
        default="text", pattern="^(text|file|url)$", description="`text`, `file` or `url`."
    )
    source_text: RequestText = Field(default="", description="The text; of `url`, the address.")
    source_url: RequestText = ""
    source_file: RequestText = Field(default="", description="Id of an uploaded artifact.")
    source_language: RequestText = Field(
        default="", description="Empty: it is detected, unless the text is too short for that."
    )
    target_languages: list[RequestText] = Field(description="By BCP 47.")
    priority: RequestText = Field(
        default="normal",
        pattern="^(urgent|normal|low)$",
        description="`urgent`, `normal` or `low`.",
    )


class NewDjangoJob(BaseModel):
    """The accepted job."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "01890a5d-ac96-774b-bcce-b302099a8057", "status": "queued"}]
        }
    )

    id: str
    status: str


class DjangoJob(BaseModel):
    """A job as it is now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "status": "in_progress",
                    "progress": 60,
                    "priority": "normal",
                    "source_type": "text",
                    "target_languages": ["fr"],
                    "submitted_at": "2030-01-31T12:00:00Z",
                    "started_at": "2030-01-31T12:00:01Z",
                    "finished_at": None,
                    "error_message": None,
                }
            ]
        }
    )

    id: str
    status: str = Field(description="queued, in_progress, completed, failed or cancelled.")
    progress: int = Field(description="In percent.")
    priority: str
    source_type: str
    target_languages: list[str]
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    error_message: str | None = Field(
        description="Also of a completed job: why some of its languages are missing."
    )


class DjangoResult(BaseModel):
    """The translations."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "result_data": {"fr": "Bonjour le monde"},
                }
            ]
        }
    )

    job: str
    result_data: dict[str, str] = Field(
        description="By language: the text, or the path to download a file from."
    )


class DjangoCancel(BaseModel):
    """Where the job stands after the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "cancelled"}]})

    status: str


@router.post(
    "/",
    status_code=HTTPStatus.CREATED,
    response_model=NewDjangoJob,
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(only_query())],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": DjangoJobRequest.model_json_schema()},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["source_file", "target_languages"],
                        "properties": {
                            "source_file": {"type": "string", "format": "binary"},
                            "target_languages": {
                                "type": "string",
                                "description": "Several times, or separated by commas.",
                            },
                            "source_type": {"type": "string", "enum": ["file"]},
                            "source_language": {"type": "string"},
                            "priority": {"type": "string"},
                        },
                    }
                },
            },
        }
    },
)
async def create_job(
    request: Request,
    context: ContextOf,
    caller: TokenCaller,
    options: OptionsOf,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> NewDjangoJob:
    """Submit a translation job."""
    if uploads.is_form(request):
        given = await _uploaded(request, context, caller)
    else:
        given = await json_body(request, DjangoJobRequest)
    message = job_service_pb2.CreateJobRequest(
        spec=_spec_of(given, options.source_language),
        priority=job_pb2.Priority.Value(f"PRIORITY_{given.priority.upper()}"),
        request_id=idempotency_key or "",
        labels={jobs.DIALECT_LABEL: "django"},
    )
    job = await jobs.submit(context, caller, message, _FIELDS)
    return NewDjangoJob(id=job.job_id, status=STATUS[phase_of(job.state)])


@router.get("/{job_id}/", responses=refusals(404), dependencies=[Depends(only_query())])
async def get_job(context: ContextOf, caller: TokenCaller, job_id: JobId) -> DjangoJob:
    """Get a job's status."""
    job = await jobs.find(context, caller, job_id, *_KINDS)
    kind = str(job.spec.WhichOneof("kind"))
    return DjangoJob(
        id=job.job_id,
        status=STATUS[phase_of(job.state)],
        progress=percent_of(job),
        priority=word(PriorityWord, job_pb2.Priority.Name, "PRIORITY_", job.priority).value,
        source_type={"translate_text": "text", "translate_url": "url"}.get(kind, "file"),
        target_languages=[target.key for target in job.targets],
        submitted_at=time_of(job, "create_time"),
        started_at=time_of(job, "start_time"),
        finished_at=time_of(job, "finish_time"),
        error_message=error_of(job),
    )


@router.get(
    "/{job_id}/result/", responses=refusals(404, 409, 410), dependencies=[Depends(only_query())]
)
async def get_result(context: ContextOf, caller: TokenCaller, job_id: JobId) -> DjangoResult:
    """Get the translations, by language.

    409 with reason `RESULT_NOT_READY` until the job has completed.
    """
    job = await jobs.find(context, caller, job_id, *_KINDS)
    results.require_result(job)
    data = {}
    for target in results.completed_targets(job):
        results.require_outputs(target)
        text = await results.text_of(context, caller, target)
        data[target.key] = f"/jobs/{job.job_id}/result/{target.key}/" if text is None else text
    return DjangoResult(job=job.job_id, result_data=data)


@router.get(
    "/{job_id}/result/{language}/",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"*/*": {}}},
        **refusals(404, 409, 410, 416),
    },
    dependencies=[Depends(only_query())],
)
async def download_result(
    request: Request, context: ContextOf, caller: TokenCaller, job_id: JobId, language: str
) -> Response:
    """Download a translation as a file."""
    job = await jobs.find(context, caller, job_id, *_KINDS)
    return await results.download(request, context, caller, job, language)


@router.post(
    "/{job_id}/cancel/",
    response_model=DjangoCancel,
    responses={
        202: {"model": DjangoCancel, "description": "It is being stopped, and has not ended yet."},
        **refusals(404, 409),
    },
    dependencies=[Depends(only_query())],
)
async def cancel_job(
    context: ContextOf, caller: TokenCaller, job_id: JobId
) -> DjangoCancel | Response:
    """Cancel a job, and wait until nothing of it runs any more."""
    await jobs.find(context, caller, job_id, *_KINDS)
    job = await context.client.cancel_job(caller, job_id)
    ended = (Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED)
    job = await jobs.wait(
        context, caller, job, lambda state: phase_of(state) in ended, _CANCEL_SECONDS
    )
    answer = DjangoCancel(status=STATUS[phase_of(job.state)])
    if phase_of(job.state) in ended:
        return answer
    return JSONResponse(answer.model_dump(), HTTPStatus.ACCEPTED)


async def _uploaded(request: Request, context: ContextOf, caller: TokenCaller) -> DjangoJobRequest:
    form = await uploads.store_form(
        request,
        context,
        caller,
        file_names=("source_file", "file"),
        fields=("source_type", "source_language", "priority"),
        lists=("target_languages",),
    )
    # Any: what a form holds, before it is checked.
    values: dict[str, Any] = {"source_type": "file", **form.fields}
    values["source_file"] = form.artifact.artifact_id
    if "target_languages" in values:
        values["target_languages"] = _listed(values["target_languages"])
    try:
        return DjangoJobRequest.model_validate(values)
    except ValidationError as error:
        raise refusal_of(error) from None


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _spec_of(given: DjangoJobRequest, language_of_short_texts: str) -> job_pb2.JobSpec:
    source, targets = given.source_language, given.target_languages
    if given.source_type == "text":
        if given.source_file or given.source_url:
            raise jobs.invalid("source_type", "does not fit to the source that is given")
        if len(given.source_text) < _LONG_ENOUGH_TO_TELL:
            source = source or language_of_short_texts
        text = translation_pb2.TranslateTextSpec(
            text=given.source_text, source_language=source, target_languages=targets
        )
        return job_pb2.JobSpec(translate_text=text)
    if given.source_type == "url":
        url = given.source_url or given.source_text
        if not url:
            raise jobs.missing("source_url")
        page = translation_pb2.TranslateUrlSpec(
            url=url, source_language=source, target_languages=targets
        )
        return job_pb2.JobSpec(translate_url=page)
    if not given.source_file:
        raise jobs.missing("source_file")
    document = translation_pb2.TranslateDocumentSpec(
        artifact_id=given.source_file, source_language=source, target_languages=targets
    )
    return job_pb2.JobSpec(translate_document=document)
