"""What all dialects ask of jobs: submit, find, wait for a moment.

Refusals name fields as the dialect does, not as the contract.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TypeAlias

from babelmill.client.errors import BabelmillError
from babelmill.client.updates import Event, Snapshot
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.kit.wire.status_details import FieldViolation
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError, from_client_error
from gateway.routes.context import Context

DIALECT_LABEL = "dialect"
_LONGEST_LABEL = 255

JobState: TypeAlias = job_pb2.JobState.ValueType


async def submit(
    context: Context,
    caller: Caller,
    request: job_service_pb2.CreateJobRequest,
    fields: Mapping[str, str],
) -> job_pb2.Job:
    """Submit a job. `fields` says what the dialect calls a field of the spec.

    Raises ProblemError.
    """
    try:
        return (await context.client.create_job(caller, request)).job
    except BabelmillError as error:
        raise _in_words(error, fields) from error


async def submit_all(
    context: Context,
    caller: Caller,
    requests: Collection[job_service_pb2.CreateJobRequest],
    fields: Mapping[str, str],
) -> list[job_pb2.Job]:
    """Submit jobs, all or none; as `submit`."""
    try:
        answer = await context.client.create_jobs(
            caller, job_service_pb2.BatchCreateJobsRequest(requests=requests)
        )
    except BabelmillError as error:
        raise _in_words(error, fields) from error
    return [each.job for each in answer.responses]


async def find(context: Context, caller: Caller, job_id: str, *kinds: str) -> job_pb2.Job:
    """Get a job of one of these kinds. Raises ProblemError 404 for one of another kind."""
    job = await context.client.get_job(caller, job_id)
    if job.spec.WhichOneof("kind") not in kinds:
        raise ProblemError(HTTPStatus.NOT_FOUND, "JOB_NOT_FOUND", "There is no such job.")
    return job


async def wait(
    context: Context,
    caller: Caller,
    job: job_pb2.Job,
    is_reached: Callable[[JobState], bool],
    within_seconds: float,
) -> job_pb2.Job:
    """Wait for a state, not longer than this, and return the job as it is then."""
    if is_reached(job.state):
        return job
    watch = context.client.watch_job(caller, job.job_id, None)
    try:
        async with asyncio.timeout(within_seconds):
            async for update in watch:
                if isinstance(update, Snapshot) and is_reached(update.job.state):
                    break
                if isinstance(update, Event) and is_reached(update.event.job_state_changed.state):
                    break
        return await context.client.get_job(caller, job.job_id)
    except TimeoutError:
        return await context.client.get_job(caller, job.job_id)
    except BabelmillError:
        # What was asked for is done; only its newest state is not known.
        return job
    finally:
        await watch.aclose()


def label(value: object, field: str) -> str:
    """Make a label of a value to be told again. Raises ProblemError 400."""
    text = str(value)
    if len(text) > _LONGEST_LABEL:
        raise invalid(field, f"must not be longer than {_LONGEST_LABEL} characters")
    return text


def invalid(field: str, description: str, reason: str = "INVALID") -> ProblemError:
    """Make the refusal of a field."""
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        "INVALID_REQUEST",
        f"{field} {description}.",
        violations=[FieldViolation(field, description, reason)],
    )


def missing(field: str) -> ProblemError:
    """Make the refusal of a request without a field."""
    return invalid(field, "is missing", "MISSING")


def _in_words(error: BabelmillError, fields: Mapping[str, str]) -> ProblemError:
    refused = from_client_error(error)
    told = [replace(each, field=field_in_words(each.field, fields)) for each in refused.violations]
    if told:
        # The job service's own sentence names its fields.
        refused.detail = f"{told[0].field}: {told[0].description}"
    refused.violations = told
    return refused


def field_in_words(path: str, fields: Mapping[str, str]) -> str:
    """Write `requests[3].spec.translate_text.target_languages[0]` in the dialect's words."""
    before, spec, inside = path.rpartition("spec.")
    if not spec:
        return path
    _, _, name = inside.partition(".")
    for known in sorted(fields, key=len, reverse=True):
        if name == known or name.startswith((f"{known}.", f"{known}[")):
            name = fields[known] + name.removeprefix(known)
            break
    index = before.removeprefix("requests").rstrip(".")
    return f"jobs{index}.{name}" if index else name
