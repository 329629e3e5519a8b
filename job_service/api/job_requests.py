"""From a client's request about jobs to what the use cases take."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from job_service.api import checks
from job_service.api.spec_requests import read_spec
from job_service.api.validation import Violations
from job_service.application.job_query import JobQuery
from job_service.application.submission import NewJob
from job_service.domain.job import JobState, Priority

MAX_BATCH = 500

_JOB_STATE_PREFIX = "JOB_STATE_"
_PRIORITY_PREFIX = "PRIORITY_"
# Stands for a value that was found wrong; the request is refused before it is used.
_WRONG = ""
# More would only repeat each other.
_MAX_FILTER_VALUES = 32


def new_job(request: job_service_pb2.CreateJobRequest, traceparent: str) -> NewJob:
    """Read one job to accept. Raises InvalidRequest with every wrong field."""
    violations = Violations()
    job = _new_job(request, traceparent, violations, "")
    violations.raise_if_any()
    return job


def new_jobs(request: job_service_pb2.BatchCreateJobsRequest, traceparent: str) -> list[NewJob]:
    """Read up to 500 jobs. Raises InvalidRequest with every wrong field."""
    violations = Violations()
    found = len(request.requests)
    if not 1 <= found <= MAX_BATCH:
        violations.add("requests", f"There are {found}; from 1 to {MAX_BATCH} are allowed.")
        violations.raise_if_any()
    jobs = [
        _new_job(each, traceparent, violations, f"requests[{index}].")
        for index, each in enumerate(request.requests)
    ]
    violations.raise_if_any()
    return jobs


def job_query(wanted: job_service_pb2.JobFilter) -> JobQuery:
    """Read a filter. Raises InvalidRequest with every wrong field."""
    violations = Violations()
    for name in ("states", "kinds", "priorities"):
        if len(getattr(wanted, name)) > _MAX_FILTER_VALUES:
            violations.add(f"filter.{name}", f"At most {_MAX_FILTER_VALUES}.", "TOO_MANY")
    violations.raise_if_any()
    query = JobQuery(
        states=tuple(
            JobState(job_pb2.JobState.Name(state).removeprefix(_JOB_STATE_PREFIX))
            for index, state in enumerate(wanted.states)
            if _is_given(state, f"filter.states[{index}]", violations)
        ),
        kinds=tuple(
            _known_kind(kind, f"filter.kinds[{index}]", violations)
            for index, kind in enumerate(wanted.kinds)
        ),
        priorities=tuple(
            Priority(job_pb2.Priority.Name(priority).removeprefix(_PRIORITY_PREFIX))
            for index, priority in enumerate(wanted.priorities)
            if _is_given(priority, f"filter.priorities[{index}]", violations)
        ),
        labels=violations.check("filter.labels", lambda: checks.labels(wanted.labels), {}),
        created_after=_time(wanted, "created_after", "filter.", violations),
        created_before=_time(wanted, "created_before", "filter.", violations),
    )
    violations.raise_if_any()
    return query


def _new_job(
    request: job_service_pb2.CreateJobRequest,
    traceparent: str,
    violations: Violations,
    prefix: str,
) -> NewJob:
    read = read_spec(request.spec, violations, f"{prefix}spec")
    return NewJob(
        spec=read.spec,
        chat_api_key=read.chat_api_key,
        priority=_priority(request.priority),
        request_id=violations.check(
            f"{prefix}request_id", lambda: checks.request_id(request.request_id), _WRONG
        ),
        labels=violations.check(f"{prefix}labels", lambda: checks.labels(request.labels), {}),
        deadline_at=_time(request, "deadline", prefix, violations),
        reuse_results=request.reuse_results,
        traceparent=traceparent,
    )


def _priority(priority: job_pb2.Priority.ValueType) -> Priority:
    if priority == job_pb2.PRIORITY_UNSPECIFIED:
        return Priority.NORMAL
    return Priority(job_pb2.Priority.Name(priority).removeprefix(_PRIORITY_PREFIX))


def _is_given(value: int, path: str, violations: Violations) -> bool:
    if value == 0:
        violations.add(path, "UNSPECIFIED is nothing to look for.")
    return value != 0


def _known_kind(kind: str, path: str, violations: Violations) -> str:
    kinds = [field.name for field in job_pb2.JobSpec.DESCRIPTOR.oneofs_by_name["kind"].fields]
    if kind not in kinds:
        violations.add(path, f"It is no kind of job; there are {', '.join(kinds)}.")
    return kind


def _time(
    message: job_service_pb2.CreateJobRequest | job_service_pb2.JobFilter,
    field: str,
    prefix: str,
    violations: Violations,
) -> datetime | None:
    # HasField takes a literal of the message's own fields in the stubs.
    if not any(descriptor.name == field for descriptor, _ in message.ListFields()):
        return None
    value: Timestamp = getattr(message, field)
    return violations.check(f"{prefix}{field}", lambda: checks.timestamp(value), None)
