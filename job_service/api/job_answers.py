"""From what the use cases return about jobs to messages."""

from datetime import datetime, timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.jobs.v1 import (
    artifact_pb2,
    failure_pb2,
    job_pb2,
    progress_pb2,
    step_pb2,
    usage_pb2,
)
from job_service.api.spec_answers import spec
from job_service.domain.job import (
    Artifact,
    Digest,
    Failure,
    Job,
    Progress,
    Step,
    Target,
    Usage,
)

_MAX_INLINE_TEXT_BYTES = 16 * 1024


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Write a time; None leaves the field absent."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def duration(length: timedelta | None) -> Duration | None:
    """Write a length of time; None leaves the field absent."""
    if length is None:
        return None
    message = Duration()
    message.FromTimedelta(length)
    return message


def job(found: Job, *, listed: bool = False) -> job_pb2.Job:
    """Write a job; one of a list is without inline texts, steps and outputs."""
    return job_pb2.Job(
        job_id=str(found.job_id),
        spec=spec(found.spec, listed=listed),
        state=job_pb2.JobState.Value(f"JOB_STATE_{found.state}"),
        priority=job_pb2.Priority.Value(f"PRIORITY_{found.priority}"),
        progress=progress(found.progress),
        targets=[_target(each, listed=listed) for each in found.targets],
        steps=[] if listed else [_step(each) for each in found.steps],
        error=failure(found.error),
        attempts=sum(step.attempt for step in found.steps),
        labels=found.labels,
        create_time=timestamp(found.created_at),
        queue_time=timestamp(found.queued_at),
        start_time=timestamp(found.started_at),
        finish_time=timestamp(found.finished_at),
        deadline=timestamp(found.deadline_at),
        sequence=found.sequence,
        trace_id=found.trace_id,
        usage=_usage(found.usage),
        request_id=found.request_id,
        parent_job_id=_id(found.parent_job_id),
        reused_job_id=_id(found.reused_job_id),
    )


def artifact(found: Artifact) -> artifact_pb2.Artifact:
    """Write what is known of an artifact, without its bytes or where they lie."""
    return artifact_pb2.Artifact(
        artifact_id=str(found.artifact_id),
        state=artifact_pb2.ArtifactState.Value(f"ARTIFACT_STATE_{found.state}"),
        filename=found.filename,
        media_type=found.media_type,
        digest=digest(found.digest),
        received_bytes=found.received_bytes,
        job_id=_id(found.job_id),
        create_time=timestamp(found.created_at),
    )


def digest(found: Digest | None) -> artifact_pb2.Digest | None:
    """Write a digest."""
    if found is None:
        return None
    return artifact_pb2.Digest(sha256=found.sha256, size_bytes=found.size_bytes)


def progress(found: Progress | None) -> progress_pb2.Progress | None:
    """Write a progress."""
    if found is None:
        return None
    return progress_pb2.Progress(
        unit=progress_pb2.ProgressUnit.Value(f"PROGRESS_UNIT_{found.unit or 'UNSPECIFIED'}"),
        done=found.done,
        total=found.total,
        percent=found.percent,
        stage=found.stage,
        eta=timestamp(found.eta),
        update_time=timestamp(found.updated_at),
        frames_per_second=found.frames_per_second,
        speed=found.speed,
    )


def failure(found: Failure | None) -> failure_pb2.Failure | None:
    """Write a failure."""
    if found is None:
        return None
    return failure_pb2.Failure(
        reason=found.reason,
        message=found.message,
        retryable=found.retryable,
        retry_after=duration(found.retry_after),
        metadata=found.metadata,
    )


def _target(found: Target, *, listed: bool) -> job_pb2.Target:
    message = job_pb2.Target(
        key=found.key,
        state=job_pb2.TargetState.Value(f"TARGET_STATE_{found.state}"),
        error=failure(found.error),
    )
    if not listed:
        message.outputs.extend(artifact(output) for output in found.outputs)
        text = _inline_text(found)
        if text is not None:
            message.text = text
    return message


def _inline_text(found: Target) -> str | None:
    for output in found.outputs:
        if (
            output.inline is not None
            and len(output.inline) <= _MAX_INLINE_TEXT_BYTES
            and output.media_type.partition(";")[0].strip() == "text/plain"
        ):
            # A worker's claim that this is text is not trusted.
            return output.inline.decode("utf-8", errors="replace")
    return None


def _step(found: Step) -> step_pb2.Step:
    return step_pb2.Step(
        step_id=str(found.step_id),
        name=found.name,
        kind=found.kind,
        target_key=found.target_key,
        state=step_pb2.StepState.Value(f"STEP_STATE_{found.state}"),
        attempt=found.attempt,
        progress=progress(found.progress),
        error=failure(found.error),
        usage=_usage(found.usage),
        create_time=timestamp(found.created_at),
        queue_time=timestamp(found.queued_at),
        start_time=timestamp(found.started_at),
        finish_time=timestamp(found.finished_at),
        depends_on=found.depends_on,
        awaits=found.awaits,
        parts=[artifact(part) for part in found.parts],
    )


def _usage(found: Usage | None) -> usage_pb2.Usage | None:
    if found is None:
        return None
    return usage_pb2.Usage(
        peak_cpu_percent=found.peak_cpu_percent,
        peak_rss_bytes=found.peak_rss_bytes,
        cpu_seconds=found.cpu_seconds,
        processing_seconds=found.processing_seconds,
        input_bytes=found.input_bytes,
        output_bytes=found.output_bytes,
        engine_characters=found.engine_characters,
        engine_tokens=found.engine_tokens,
    )


def _id(found: UUID | None) -> str:
    return "" if found is None else str(found)
