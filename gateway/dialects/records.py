"""The records dialect: `/api/v1/translation-jobs`, with a Bearer token.

A job translates fields of records. They come within the request, or lie in an
uploaded JSON file whose artifact id is the request's `novel_id`. Its steps are
told as subtasks.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from pydantic import JsonValue

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import translation_pb2
from gateway.dialects import jobs, results
from gateway.dialects.callers import TokenCaller
from gateway.dialects.record_shapes import (
    RecordsBatch,
    RecordsJob,
    RecordsJobPage,
    RecordsJobRequest,
    RecordsJobRequests,
    RecordsQueue,
    RecordsResult,
    records_job,
)
from gateway.dialects.record_sources import records_of
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.routes.context import Context, ContextOf, json_only, only_query
from gateway.routes.health import Health, ready
from gateway.routes.jobs import JobId
from gateway.routes.refusals import refusals

router = APIRouter(prefix="/api/v1/translation-jobs", tags=["dialect: records"])

KIND = "translate_records"
# Of the families of workers, the one that no record goes through.
_MEDIA = "media."
_FIELDS = {
    "target_languages": "target_lang",
    "target_languages[0]": "target_lang",
    "source_language": "source_lang",
    "output_prefix": "output_dir",
}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def create_job(
    context: ContextOf,
    caller: TokenCaller,
    given: RecordsJobRequest,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> RecordsJob:
    """Create a job: it is saved with its subtasks, and then published.

    429 when too many jobs wait.
    """
    request = await _request_of(context, caller, given)
    request.request_id = request.request_id or idempotency_key or ""
    return records_job(await jobs.submit(context, caller, request, _FIELDS))


@router.post(
    "/batch",
    status_code=HTTPStatus.CREATED,
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def create_jobs(
    context: ContextOf, caller: TokenCaller, given: RecordsJobRequests
) -> RecordsBatch:
    """Create several jobs, all or none."""
    requests = [await _request_of(context, caller, each) for each in given.jobs]
    created = await jobs.submit_all(context, caller, requests, _FIELDS)
    return RecordsBatch(jobs=[records_job(each) for each in created])


@router.get("", responses=refusals(), dependencies=[Depends(only_query("page_size", "page_token"))])
async def list_jobs(
    context: ContextOf,
    caller: TokenCaller,
    page_size: Annotated[int, Query(ge=0, le=500, description="0 means 50.")] = 0,
    page_token: Annotated[str, Query(max_length=4096)] = "",
) -> RecordsJobPage:
    """List jobs, newest first, without their subtasks."""
    request = job_service_pb2.ListJobsRequest(
        page_size=page_size,
        page_token=page_token,
        filter=job_service_pb2.JobFilter(kinds=[KIND]),
    )
    page = await context.client.list_jobs(caller, request)
    return RecordsJobPage(
        jobs=[records_job(each) for each in page.jobs], next_page_token=page.next_page_token or None
    )


@router.get("/queue", responses=refusals(), dependencies=[Depends(only_query())])
async def queue_length(context: ContextOf, caller: TokenCaller) -> RecordsQueue:
    """Tell how much of the caller's tenant waits for the translation workers, in steps."""
    queues = (await context.client.list_queues(caller)).queues
    return RecordsQueue(
        length=sum(each.depth for each in queues if not each.name.startswith(_MEDIA))
    )


@router.get("/health", responses=refusals(with_token=False), dependencies=[Depends(only_query())])
async def health(context: ContextOf) -> Health:
    """Tell that jobs are taken. Redis may be away: they wait for it in the database."""
    return await ready(context)


@router.get("/{job_id}", responses=refusals(404), dependencies=[Depends(only_query())])
async def get_job(context: ContextOf, caller: TokenCaller, job_id: JobId) -> RecordsJob:
    """Get a job and its subtasks."""
    return records_job(await jobs.find(context, caller, job_id, KIND))


@router.get(
    "/{job_id}/result", responses=refusals(404, 409, 410), dependencies=[Depends(only_query())]
)
async def get_result(context: ContextOf, caller: TokenCaller, job_id: JobId) -> RecordsResult:
    """Get the translated records, and what was met in them: names and terms."""
    job = await jobs.find(context, caller, job_id, KIND)
    results.require_result(job)
    target = results.completed_targets(job)[0]
    results.require_outputs(target)
    documents: list[JsonValue] = [
        await results.json_of(context, caller, output) for output in target.outputs[:2]
    ]
    report = documents[1] if len(documents) > 1 else None
    return RecordsResult(
        job_id=job.job_id,
        target_lang=target.key,
        records=documents[0],
        entities=report.get("named_entities") if isinstance(report, dict) else None,
        terms=report.get("glossary") if isinstance(report, dict) else None,
        files=[output.filename for output in target.outputs],
    )


@router.post("/{job_id}/cancel", responses=refusals(404, 409), dependencies=[Depends(only_query())])
async def cancel_job(context: ContextOf, caller: TokenCaller, job_id: JobId) -> RecordsJob:
    """Ask for a job to be stopped; it is CANCELLED when nothing of it runs any more."""
    await jobs.find(context, caller, job_id, KIND)
    return records_job(await context.client.cancel_job(caller, job_id))


async def _request_of(
    context: Context, caller: Caller, given: RecordsJobRequest
) -> job_service_pb2.CreateJobRequest:
    records = given.own_records()
    if not records:
        if not given.novel_id:
            raise jobs.missing("records")
        records = await records_of(context, caller, given.novel_id)
    fields = given.target_fields
    if not any(name.split(".")[0] in record for name in fields for record in records):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "INVALID_REQUEST",
            "No record has any of the fields that are to be translated.",
            metadata={"target_fields": ", ".join(fields)},
        )
    spec = translation_pb2.TranslateRecordsSpec(
        target_fields=fields,
        code_filter=given.enable_code_filter,
        source_language=given.source_lang or given.from_lang,
        target_languages=[given.target_lang],
        output_prefix=given.output_dir,
    )
    for record in records:
        spec.records.add().update(record)
    labels = {jobs.DIALECT_LABEL: "records"}
    if given.novel_id:
        labels["novel_id"] = jobs.label(given.novel_id, "novel_id")
    return job_service_pb2.CreateJobRequest(
        spec=job_pb2.JobSpec(translate_records=spec), request_id=given.job_id, labels=labels
    )
