"""Rows to domain values and back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping

from job_service.domain.events import JobEvent
from job_service.domain.job import (
    Artifact,
    ArtifactState,
    Digest,
    Job,
    JobState,
    Priority,
    Step,
    StepState,
    Target,
    TargetState,
    Usage,
)
from job_service.domain.translation import GlossaryTerm
from job_service.storage.json_forms import (
    failure_form,
    progress_form,
    read_fact,
    read_failure,
    read_progress,
    read_usage,
    usage_form,
)
from job_service.storage.spec_forms import read_spec, spec_form

Values = dict[str, object]

PRIORITY_RANKS = {Priority.URGENT: 0, Priority.NORMAL: 1, Priority.LOW: 2}
PRIORITIES = {rank: priority for priority, rank in PRIORITY_RANKS.items()}


def new_job_values(
    job: Job, request_hash: bytes, text_artifact_id: UUID | None, work_hash: bytes | None
) -> Values:
    """Write all of a new job's own columns."""
    return {
        "job_id": job.job_id,
        "tenant_id": job.tenant_id,
        "request_id": job.request_id or None,
        "request_hash": request_hash,
        "kind": job.spec.kind,
        "spec": spec_form(job.spec),
        "text_artifact_id": text_artifact_id,
        "priority": job.priority,
        "labels": job.labels,
        "traceparent": job.traceparent,
        "parent_job_id": job.parent_job_id,
        "work_hash": work_hash,
        "reused_job_id": job.reused_job_id,
        "deadline_at": job.deadline_at,
        "created_at": job.created_at,
        **job_values(job),
    }


def job_values(job: Job) -> Values:
    """Write the columns of a job that change."""
    return {
        "state": job.state,
        "sequence": job.sequence,
        "attempts": job.attempts,
        "progress": progress_form(job.progress),
        "error": failure_form(job.error),
        "cancel_requested_at": job.cancel_requested_at,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def new_step_values(step: Step, position: int, priority: Priority, now: datetime) -> Values:
    """Write all of a new step's columns."""
    return {
        "step_id": step.step_id,
        "job_id": step.job_id,
        "position": position,
        "name": step.name,
        "kind": step.kind,
        "target_key": step.target_key,
        "settings": step.settings,
        "timeout": step.timeout,
        "depends_on": list(step.depends_on),
        "awaits": list(step.awaits),
        "weight": step.weight,
        "created_at": step.created_at or now,
        "priority_rank": PRIORITY_RANKS[priority],
        "publish_at": now,
        "times_published": 0,
        **step_values(step),
    }


def step_values(step: Step) -> Values:
    """Write the columns of a step that change."""
    return {
        "state": step.state,
        "generation": step.generation,
        "attempt": step.attempt,
        "application_failures": step.application_failures,
        "crashes": step.crashes,
        "lease_id": step.lease_id,
        "lease_expires_at": step.lease_expires_at,
        "worker_id": step.worker_id,
        "not_before": step.not_before,
        "cancel_requested_at": step.cancel_requested_at,
        "progress": progress_form(step.progress),
        "error": failure_form(step.error),
        "usage": usage_form(step.usage),
        "queued_at": step.queued_at,
        "started_at": step.started_at,
        "attempt_started_at": step.attempt_started_at,
        "finished_at": step.finished_at,
    }


def target_values(target: Target) -> Values:
    """Write the columns of a target that change."""
    return {"state": target.state, "error": failure_form(target.error)}


def artifact_values(artifact: Artifact, role: str) -> Values:
    """Write an artifact."""
    digest = artifact.digest
    return {
        "tenant_id": artifact.tenant_id,
        "artifact_id": artifact.artifact_id,
        "role": role,
        "state": artifact.state,
        "filename": artifact.filename,
        "media_type": artifact.media_type,
        "sha256": digest.sha256 if digest else None,
        "size_bytes": digest.size_bytes if digest else None,
        "job_id": artifact.job_id,
        "step_id": artifact.step_id,
        "target_key": artifact.target_key,
        "storage_key": artifact.storage_key,
        "inline": artifact.inline,
        "created_at": artifact.created_at,
    }


def read_job(
    row: RowMapping,
    *,
    text: str | None = None,
    terms: tuple[GlossaryTerm, ...] = (),
    steps: tuple[Step, ...] = (),
    targets: tuple[Target, ...] = (),
    usage: Usage | None = None,
) -> Job:
    """Read a job's own row and put its parts into it."""
    return Job(
        job_id=row["job_id"],
        tenant_id=row["tenant_id"],
        spec=read_spec(row["kind"], row["spec"], text, terms),
        state=JobState(row["state"]),
        priority=Priority(row["priority"]),
        created_at=row["created_at"],
        traceparent=row["traceparent"],
        sequence=row["sequence"],
        attempts=row["attempts"],
        labels=row["labels"],
        request_id=row["request_id"] or "",
        parent_job_id=row["parent_job_id"],
        reused_job_id=row["reused_job_id"],
        progress=read_progress(row["progress"]),
        targets=targets,
        steps=steps,
        error=read_failure(row["error"]),
        usage=usage,
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        deadline_at=row["deadline_at"],
        cancel_requested_at=row["cancel_requested_at"],
    )


def read_step(row: RowMapping, parts: tuple[Artifact, ...] = ()) -> Step:
    """Read a step's own row and put its parts into it."""
    return Step(
        step_id=row["step_id"],
        job_id=row["job_id"],
        name=row["name"],
        kind=row["kind"],
        target_key=row["target_key"],
        state=StepState(row["state"]),
        settings=row["settings"],
        timeout=row["timeout"],
        depends_on=tuple(row["depends_on"]),
        awaits=tuple(row["awaits"]),
        weight=row["weight"],
        generation=row["generation"],
        attempt=row["attempt"],
        application_failures=row["application_failures"],
        crashes=row["crashes"],
        lease_id=row["lease_id"],
        lease_expires_at=row["lease_expires_at"],
        worker_id=row["worker_id"],
        not_before=row["not_before"],
        cancel_requested_at=row["cancel_requested_at"],
        progress=read_progress(row["progress"]),
        error=read_failure(row["error"]),
        usage=read_usage(row["usage"]),
        created_at=row["created_at"],
        queued_at=row["queued_at"],
        started_at=row["started_at"],
        attempt_started_at=row["attempt_started_at"],
        finished_at=row["finished_at"],
        parts=parts,
    )


def read_target(row: RowMapping, outputs: tuple[Artifact, ...] = ()) -> Target:
    """Read a target."""
    return Target(row["key"], TargetState(row["state"]), read_failure(row["error"]), outputs)


def read_artifact(row: RowMapping) -> Artifact:
    """Read an artifact; its bytes are there only if the row has the column `inline`."""
    digest = None if row["sha256"] is None else Digest(row["sha256"], row["size_bytes"])
    return Artifact(
        artifact_id=row["artifact_id"],
        tenant_id=row["tenant_id"],
        state=ArtifactState(row["state"]),
        filename=row["filename"],
        media_type=row["media_type"],
        created_at=row["created_at"],
        digest=digest,
        received_bytes=digest.size_bytes if digest else 0,
        job_id=row["job_id"],
        step_id=row["step_id"],
        target_key=row["target_key"],
        storage_key=row["storage_key"],
        inline=row.get("inline"),
        expired_at=row["expired_at"],
    )


def read_event(row: RowMapping) -> JobEvent:
    """Read an event."""
    return JobEvent(
        row["job_id"], row["sequence"], row["occurred_at"], read_fact(row["kind"], row["fact"])
    )
