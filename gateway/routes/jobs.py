"""Jobs: submit, get, list, cancel, retry, delete, result."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from babelmill.client.jobs import is_final
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.kit.wire.status_details import FieldViolation
from gateway.problem_details import ProblemError
from gateway.routes.context import CallerOf, ContextOf, json_if_any, json_only, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.jobs import (
    CreatedJobs,
    Job,
    JobPage,
    JobResult,
    batch_from_proto,
    job_from_proto,
    page_from_proto,
    result_from_proto,
)
from gateway.transcoding.queues import RetryJob
from gateway.transcoding.specs import BatchCreateJobs, CreateJob, batch_to_proto, create_to_proto
from gateway.transcoding.words import JobStateWord, PriorityWord, RequestTime

router = APIRouter(prefix="/v1", tags=["jobs"])

_NOT_READY_RETRY_SECONDS = 2

JobId = Annotated[
    str, Path(description="A UUID.", examples=["01890a5d-ac96-774b-bcce-b302099a8057"])
]


@router.post(
    "/jobs",
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": Job, "description": "The request_id had made this job before."},
        201: {
            "description": "The job is durable.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The job."}},
        },
        **refusals(404, 408, 409, 413, 415),
    },
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def create_job(
    context: ContextOf,
    caller: CallerOf,
    given: CreateJob,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same thing as the body's `request_id`.", examples=["upload-42"]),
    ] = None,
) -> Job:
    """Submit a job.

    Repeating it with the same `request_id` (or `Idempotency-Key`) and body
    gives the same job; with another body it is refused with 409.
    """
    request_id = _request_id(given.request_id, idempotency_key)
    answer = await context.client.create_job(caller, create_to_proto(given, request_id))
    response.headers["Location"] = f"/v1/jobs/{answer.job.job_id}"
    if not answer.created:
        response.status_code = HTTPStatus.OK
    return job_from_proto(answer.job)


@router.post(
    "/jobs:batch",
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def create_jobs(context: ContextOf, caller: CallerOf, given: BatchCreateJobs) -> CreatedJobs:
    """Submit up to 500 jobs together: all are accepted, or none."""
    answer = await context.client.create_jobs(caller, batch_to_proto(given))
    return batch_from_proto(answer)


class JobQuery(BaseModel):
    """What to list. All that is given must match."""

    model_config = ConfigDict(extra="forbid")

    page_size: int = Field(default=0, description="1 to 500; 0 means 50.", ge=0, le=500)
    page_token: str = Field(default="", description="From the page before.", max_length=4096)
    state: list[JobStateWord] = Field(default_factory=list, description="Any of these states.")
    kind: list[str] = Field(
        default_factory=list,
        description="Any of these kinds, such as `translate_text`.",
        examples=[["translate_text"]],
    )
    priority: list[PriorityWord] = Field(
        default_factory=list, description="Any of these priorities."
    )
    label: list[str] = Field(
        default_factory=list,
        description="All of these labels, each as `key=value`.",
        examples=[["project=greetings"]],
    )
    created_after: RequestTime | None = Field(
        default=None, description="Exclusive.", examples=["2030-01-01T00:00:00Z"]
    )
    created_before: RequestTime | None = Field(
        default=None, description="Exclusive.", examples=["2030-02-01T00:00:00Z"]
    )


@router.get("/jobs", responses=refusals())
async def list_jobs(
    context: ContextOf, caller: CallerOf, query: Annotated[JobQuery, Query()]
) -> JobPage:
    """List jobs, newest first."""
    return page_from_proto(await context.client.list_jobs(caller, _list_request(query)))


@router.get("/jobs/{job_id}", responses=refusals(404), dependencies=[Depends(only_query())])
async def get_job(context: ContextOf, caller: CallerOf, job_id: JobId) -> Job:
    """Get a job as it is now."""
    return job_from_proto(await context.client.get_job(caller, job_id))


@router.post(
    "/jobs/{job_id}/cancel", responses=refusals(404, 409), dependencies=[Depends(only_query())]
)
async def cancel_job(context: ContextOf, caller: CallerOf, job_id: JobId) -> Job:
    """Ask for a job to be stopped.

    It is `cancelled` only when nothing of it runs any more: watch it to know.
    Cancelling a cancelled job is fine; one that ended otherwise gives 409.
    """
    return job_from_proto(await context.client.cancel_job(caller, job_id))


@router.post(
    "/jobs/{job_id}/retry",
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": Job, "description": "The request_id had made this job before."},
        201: {
            "description": "The new job is durable.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The job."}},
        },
        **refusals(404, 408, 409, 413, 415),
    },
    dependencies=[Depends(json_if_any), Depends(only_query())],
)
async def retry_job(
    context: ContextOf,
    caller: CallerOf,
    job_id: JobId,
    response: Response,
    given: RetryJob | None = None,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same thing as the body's `request_id`.", examples=["upload-42"]),
    ] = None,
) -> Job:
    """Make a new job of what an ended one did not complete; a body is optional.

    The old job stays, and the new one names it in `parent_job_id`. 409 with
    reason `JOB_ACTIVE` when it has not ended, `JOB_SUCCEEDED` when there is
    nothing to retry, `SECRET_GONE` when it needs a `chat_api_key`.
    """
    given = given or RetryJob()
    request = job_service_pb2.RetryJobRequest(
        job_id=job_id,
        request_id=_request_id(given.request_id, idempotency_key),
        all_targets=given.all_targets,
        chat_api_key=given.chat_api_key,
    )
    answer = await context.client.retry_job(caller, request)
    response.headers["Location"] = f"/v1/jobs/{answer.job.job_id}"
    if not answer.created:
        response.status_code = HTTPStatus.OK
    return job_from_proto(answer.job)


@router.delete(
    "/jobs/{job_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(404, 409),
    dependencies=[Depends(only_query())],
)
async def delete_job(context: ContextOf, caller: CallerOf, job_id: JobId) -> None:
    """Remove a job that has ended, its events and its outputs. Uploads stay.

    409 with reason `JOB_ACTIVE` when it has not ended: cancel it first.
    """
    await context.client.delete_job(caller, job_id)


@router.get(
    "/jobs/{job_id}/result", responses=refusals(404, 409), dependencies=[Depends(only_query())]
)
async def get_result(context: ContextOf, caller: CallerOf, job_id: JobId) -> JobResult:
    """Get what a job gave, by target.

    Targets that have finished are given while others still run; 409 with
    reason `RESULT_NOT_READY` as long as none has.
    """
    job = await context.client.get_job(caller, job_id)
    final = is_final(job)
    ready = any(target.state == job_pb2.TARGET_STATE_COMPLETED for target in job.targets)
    if not (final or ready):
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "RESULT_NOT_READY",
            "No target of the job has finished yet.",
            metadata={"job_id": job.job_id},
            headers={"Retry-After": str(_NOT_READY_RETRY_SECONDS)},
        )
    return result_from_proto(job, final=final)


def _request_id(in_body: str, in_header: str | None) -> str:
    if in_header is None:
        return in_body
    if in_body and in_body != in_header:
        raise _invalid("request_id", "differs from the header Idempotency-Key")
    if not in_header:
        raise _invalid("Idempotency-Key", "must not be empty")
    return in_header


def _list_request(query: JobQuery) -> job_service_pb2.ListJobsRequest:
    request = job_service_pb2.ListJobsRequest(
        page_size=query.page_size,
        page_token=query.page_token,
        filter=job_service_pb2.JobFilter(
            states=[job_pb2.JobState.Value(f"JOB_STATE_{each.upper()}") for each in query.state],
            kinds=query.kind,
            priorities=[
                job_pb2.Priority.Value(f"PRIORITY_{each.upper()}") for each in query.priority
            ],
        ),
    )
    for label in query.label:
        key, separator, value = label.partition("=")
        if not separator:
            raise _invalid("label", "must be written as key=value")
        if key in request.filter.labels:
            raise _invalid("label", "names a key twice")
        request.filter.labels[key] = value
    if query.created_after is not None:
        request.filter.created_after.FromDatetime(query.created_after)
    if query.created_before is not None:
        request.filter.created_before.FromDatetime(query.created_before)
    return request


def _invalid(field: str, description: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        "INVALID_REQUEST",
        f"{field} {description}.",
        violations=[FieldViolation(field, description, "INVALID")],
    )
