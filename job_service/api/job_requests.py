"""From a client's request about jobs to what the use cases take."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.api import checks
from job_service.api.validation import Violations
from job_service.application.job_query import JobQuery
from job_service.application.submission import NewJob
from job_service.domain.job import JobState, Priority
from job_service.domain.spec import JobSpec, Transcode, TranslateText

MAX_BATCH = 500
MAX_TARGETS = 32

_JOB_STATE_PREFIX = "JOB_STATE_"
_PRIORITY_PREFIX = "PRIORITY_"
_NO_ID = UUID(int=0)
# Stands for a value that was found wrong; the request is refused before it is used.
_WRONG = ""


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
    return NewJob(
        spec=_spec(request.spec, violations, f"{prefix}spec"),
        priority=_priority(request.priority),
        request_id=violations.check(
            f"{prefix}request_id", lambda: checks.request_id(request.request_id), _WRONG
        ),
        labels=violations.check(f"{prefix}labels", lambda: checks.labels(request.labels), {}),
        deadline_at=_time(request, "deadline", prefix, violations),
        traceparent=traceparent,
    )


def _spec(spec: job_pb2.JobSpec, violations: Violations, path: str) -> JobSpec:
    kind = spec.WhichOneof("kind")
    if kind == "translate_text":
        return _translate_text(spec.translate_text, violations, f"{path}.translate_text")
    if kind == "transcode":
        return _transcode(spec.transcode, violations, f"{path}.transcode")
    violations.add(path, "Exactly one kind of work must be set.", "REQUIRED")
    return Transcode(artifact_id=_NO_ID, preset=_WRONG)


def _translate_text(
    spec: translation_pb2.TranslateTextSpec, violations: Violations, path: str
) -> TranslateText:
    text: str | None = None
    artifact_id: UUID | None = None
    source = spec.WhichOneof("source")
    if source == "text":
        text = violations.check(f"{path}.text", lambda: checks.source_text(spec.text), _WRONG)
    elif source == "artifact_id":
        artifact_id = violations.check(
            f"{path}.artifact_id", lambda: checks.uuid_of(spec.artifact_id), _NO_ID
        )
    else:
        violations.add(f"{path}.text", "Set text or artifact_id.", "REQUIRED")
    source_language = violations.check(
        f"{path}.source_language", lambda: checks.language_tag(spec.source_language), _WRONG
    )
    return TranslateText(
        source_language=source_language,
        target_languages=_target_languages(
            spec.target_languages, source_language, violations, f"{path}.target_languages"
        ),
        text=text,
        artifact_id=artifact_id,
        engine=violations.check(
            f"{path}.engine", lambda: checks.name(spec.engine, required=False), _WRONG
        ),
    )


def _target_languages(
    given: Sequence[str], source_language: str, violations: Violations, path: str
) -> tuple[str, ...]:
    if not 1 <= len(given) <= MAX_TARGETS:
        violations.add(path, f"There are {len(given)}; from 1 to {MAX_TARGETS} are allowed.")
        return ()
    targets: list[str] = []
    for index, raw in enumerate(given):
        here = f"{path}[{index}]"
        tag = violations.check(here, partial(checks.language_tag, raw), _WRONG)
        if tag and tag == source_language:
            violations.add(here, "It is the source language.", "SAME_AS_SOURCE")
        if tag and tag in targets:
            violations.add(here, "It is there twice.", "DUPLICATE")
        targets.append(tag)
    return tuple(targets)


def _transcode(spec: media_pb2.TranscodeSpec, violations: Violations, path: str) -> Transcode:
    return Transcode(
        artifact_id=violations.check(
            f"{path}.artifact_id", lambda: checks.uuid_of(spec.artifact_id), _NO_ID
        ),
        preset=violations.check(f"{path}.preset", lambda: checks.name(spec.preset), _WRONG),
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
