"""Jobs with their steps, targets, events and metrics: stored, locked, saved, read."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from job_service.application.job_query import Cursor, JobQuery
from job_service.application.ports import JobToInsert, LockedJobs
from job_service.domain.events import JobEvent
from job_service.domain.job import Job, JobState, Progress, StepState
from job_service.domain.opening import FIRST_FACT
from job_service.domain.settlement import Change
from job_service.domain.spec import options_of
from job_service.domain.translation import GlossaryTerm
from job_service.storage import job_reading, rows
from job_service.storage.artifacts import GLOSSARY, TEXT
from job_service.storage.json_forms import fact_form, read_progress, usage_form
from job_service.storage.tables import (
    ARTIFACTS,
    JOB_EVENTS,
    JOB_METRICS,
    JOB_SECRETS,
    JOBS,
    STEPS,
    TARGETS,
)

WAITING_STATES = (JobState.PENDING, JobState.QUEUED)

# A step that becomes PENDING again is a new message: due at once, never sent.
_BECOMES_PENDING = (bindparam("new_state") == StepState.PENDING) & (
    STEPS.c.state != StepState.PENDING
)


class SqlJobRows:
    """Jobs as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, new_jobs: Sequence[JobToInsert]) -> frozenset[UUID]:
        """Store new jobs whole; return the ids stored.

        Sorted by request_id, so that two batches cannot wait for each other.
        """
        ordered = sorted(new_jobs, key=lambda new: new.job.request_id)
        stored = frozenset(
            self._connection.execute(
                insert(JOBS)
                .on_conflict_do_nothing(index_elements=["tenant_id", "request_id"])
                .returning(JOBS.c.job_id),
                [
                    rows.new_job_values(
                        new.job,
                        new.request_hash,
                        new.source_artifact.artifact_id if new.source_artifact else None,
                        new.work_hash,
                    )
                    for new in ordered
                ],
            ).scalars()
        )
        kept = [new for new in new_jobs if new.job.job_id in stored]
        if kept:
            self._insert_parts(kept)
        return stored

    def _insert_parts(self, new_jobs: Sequence[JobToInsert]) -> None:
        own = [
            {**rows.artifact_values(artifact, role), "position": position}
            for new in new_jobs
            for artifact, role, position in (
                (new.source_artifact, TEXT, 0),
                (new.glossary_artifact, GLOSSARY, len(_terms_of(new.job))),
            )
            if artifact is not None
        ]
        if own:
            self._connection.execute(insert(ARTIFACTS), own)
        secrets = [
            {"job_id": new.job.job_id, "ciphertext": new.sealed_secret}
            for new in new_jobs
            if new.sealed_secret is not None
        ]
        if secrets:
            self._connection.execute(insert(JOB_SECRETS), secrets)
        jobs = [new.job for new in new_jobs]
        steps = [
            rows.new_step_values(step, position, job.priority, job.created_at)
            for job in jobs
            for position, step in enumerate(job.steps)
        ]
        if steps:
            self._connection.execute(insert(STEPS), steps)
        self._connection.execute(
            insert(TARGETS),
            [
                {
                    "job_id": job.job_id,
                    "key": target.key,
                    "position": position,
                    **rows.target_values(target),
                }
                for job in jobs
                for position, target in enumerate(job.targets)
            ],
        )
        kind, fact = fact_form(FIRST_FACT)
        self._connection.execute(
            insert(JOB_EVENTS),
            [
                {
                    "job_id": job.job_id,
                    "sequence": 1,
                    "occurred_at": job.created_at,
                    "kind": kind,
                    "fact": fact,
                }
                for job in jobs
            ],
        )

    def find_requests(
        self, tenant_id: UUID, request_ids: Collection[str]
    ) -> Mapping[str, tuple[UUID, bytes]]:
        """Return the job and the request hash of each request_id that is taken."""
        found = self._connection.execute(
            select(JOBS.c.request_id, JOBS.c.job_id, JOBS.c.request_hash).where(
                JOBS.c.tenant_id == tenant_id, JOBS.c.request_id.in_(request_ids)
            )
        )
        return {str(row.request_id): (row.job_id, bytes(row.request_hash)) for row in found}

    def admission(self, tenant_id: UUID, up_to: int) -> tuple[datetime, int]:
        """Return the time, and how many of the tenant's jobs nothing has started on."""
        waiting = (
            select(JOBS.c.job_id)
            .where(JOBS.c.tenant_id == tenant_id, JOBS.c.state.in_(WAITING_STATES))
            .limit(up_to)
            .subquery()
        )
        row = self._connection.execute(
            select(func.clock_timestamp(), func.count()).select_from(waiting)
        ).one()
        return row[0], row[1]

    def lock(self, job_ids: Collection[UUID], *, skip_locked: bool = False) -> LockedJobs:
        """Lock jobs in the order of their ids."""
        return self._lock(select(JOBS).where(JOBS.c.job_id.in_(job_ids)), skip_locked=skip_locked)

    def lock_of_steps(self, step_ids: Collection[UUID]) -> LockedJobs:
        """Lock the jobs that the steps belong to."""
        owners = select(STEPS.c.job_id).where(STEPS.c.step_id.in_(step_ids))
        return self._lock(select(JOBS).where(JOBS.c.job_id.in_(owners)), skip_locked=False)

    def _lock(self, wanted: Select[*tuple[object, ...]], *, skip_locked: bool) -> LockedJobs:
        locked = (
            self._connection.execute(
                wanted.order_by(JOBS.c.job_id).with_for_update(skip_locked=skip_locked)
            )
            .mappings()
            .all()
        )
        return job_reading.assemble_locked(self._connection, locked)

    def save(self, changes: Sequence[Change], now: datetime) -> None:
        """Write what differs, and the events; the jobs must be locked.

        A job that ends loses its secret in the same transaction.
        """
        self._save_steps(changes, now)
        self._save_targets(changes)
        jobs = [
            {"key_job_id": change.after.job_id, **rows.job_values(change.after)}
            for change in changes
            if rows.job_values(change.before) != rows.job_values(change.after)
        ]
        if jobs:
            statement = update(JOBS).where(JOBS.c.job_id == bindparam("key_job_id"))
            self._connection.execute(statement, jobs)
        self._append_events(changes, now)
        self._record_metrics(changes, now)
        ended = [change.after.job_id for change in changes if change.ends_job]
        if ended:
            self._connection.execute(delete(JOB_SECRETS).where(JOB_SECRETS.c.job_id.in_(ended)))

    def _save_steps(self, changes: Sequence[Change], now: datetime) -> None:
        steps = [
            {"key_step_id": new.step_id, "new_state": new.state, **rows.step_values(new)}
            for change in changes
            for new in change.changed_steps
        ]
        added = [
            rows.new_step_values(step, position, change.after.priority, now)
            for change in changes
            for position, step in enumerate(change.added_steps, start=len(change.before.steps))
        ]
        if added:
            self._connection.execute(insert(STEPS), added)
        if steps:
            self._connection.execute(
                update(STEPS)
                .where(STEPS.c.step_id == bindparam("key_step_id"))
                .values(
                    publish_at=case((_BECOMES_PENDING, now), else_=STEPS.c.publish_at),
                    times_published=case((_BECOMES_PENDING, 0), else_=STEPS.c.times_published),
                ),
                steps,
            )

    def _save_targets(self, changes: Sequence[Change]) -> None:
        targets = [
            {"key_job_id": change.after.job_id, "key_key": new.key, **rows.target_values(new)}
            for change in changes
            for old, new in zip(change.before.targets, change.after.targets, strict=True)
            if old != new
        ]
        if targets:
            self._connection.execute(
                update(TARGETS).where(
                    TARGETS.c.job_id == bindparam("key_job_id"),
                    TARGETS.c.key == bindparam("key_key"),
                ),
                targets,
            )

    def _append_events(self, changes: Sequence[Change], now: datetime) -> None:
        events = []
        for change in changes:
            for sequence, fact in enumerate(change.facts, start=change.before.sequence + 1):
                kind, form = fact_form(fact)
                events.append(
                    {
                        "job_id": change.after.job_id,
                        "sequence": sequence,
                        "occurred_at": now,
                        "kind": kind,
                        "fact": form,
                    }
                )
        if events:
            self._connection.execute(insert(JOB_EVENTS), events)

    def _record_metrics(self, changes: Sequence[Change], now: datetime) -> None:
        """Write a job's usage once, when it ends."""
        for change in changes:
            figures = usage_form(change.after.usage)
            if change.ends_job and figures is not None:
                self._connection.execute(
                    insert(JOB_METRICS).values(
                        job_id=change.after.job_id, recorded_at=now, **figures
                    )
                )

    def load(self, tenant_id: UUID, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Return whole jobs: inline text, steps, targets with outputs (short texts inline)."""
        return job_reading.load(self._connection, tenant_id, job_ids)

    def list(
        self, tenant_id: UUID, query: JobQuery, limit: int, after: Cursor | None
    ) -> Sequence[Job]:
        """Return jobs, newest first, without steps, outputs and inline text."""
        return job_reading.list_jobs(self._connection, tenant_id, query, limit, after)

    def exists(self, tenant_id: UUID, job_id: UUID) -> bool:
        """Tell whether the tenant has this job."""
        wanted = select(JOBS.c.job_id).where(JOBS.c.tenant_id == tenant_id, JOBS.c.job_id == job_id)
        return self._connection.execute(wanted).first() is not None

    def progress_of(self, job_id: UUID) -> tuple[JobState, int, Progress | None] | None:
        """Return state, sequence and progress."""
        row = self._connection.execute(
            select(JOBS.c.state, JOBS.c.sequence, JOBS.c.progress).where(JOBS.c.job_id == job_id)
        ).first()
        if row is None:
            return None
        return JobState(row.state), int(row.sequence), read_progress(row.progress)

    def events_after(self, job_id: UUID, after_sequence: int, limit: int) -> Sequence[JobEvent]:
        """Return events in order."""
        found = self._connection.execute(
            select(JOB_EVENTS)
            .where(JOB_EVENTS.c.job_id == job_id, JOB_EVENTS.c.sequence > after_sequence)
            .order_by(JOB_EVENTS.c.sequence)
            .limit(limit)
        ).mappings()
        return [rows.read_event(row) for row in found]


def _terms_of(job: Job) -> tuple[GlossaryTerm, ...]:
    options = options_of(job.spec)
    return () if options is None else options.glossary_terms
