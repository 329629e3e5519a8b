"""Ending attempts: well, or not."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from babelmill.kit.artifacts.store import ArtifactStore, InvalidKey
from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.process.logs import get_logger
from job_service.application.leasing import LeaseRequest, staging_prefix
from job_service.application.limits import Limits
from job_service.application.ports import LockedJobs, Signals, UnitOfWork, UnitOfWorkFactory
from job_service.application.store_troubles import naming_store_troubles
from job_service.domain import attempts
from job_service.domain.content import (
    check_digest,
    check_filename,
    check_media_type,
    digest_of,
)
from job_service.domain.errors import (
    InvalidRequest,
    StaleLease,
    StepCancelled,
    StorageUnavailable,
    Violation,
)
from job_service.domain.expansion import PART_MAKERS
from job_service.domain.following import Finding, steps_after
from job_service.domain.ids import uuid7
from job_service.domain.job import (
    Artifact,
    ArtifactState,
    Digest,
    Failure,
    Job,
    Step,
    StepState,
    Usage,
)
from job_service.domain.lease import LeaseResult
from job_service.domain.opening import new_steps
from job_service.domain.settlement import Change, settle

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutput:
    """Something that an attempt has made; exactly one of inline and storage_key is set."""

    filename: str
    media_type: str
    digest: Digest
    inline: bytes | None = None
    storage_key: str | None = None


class Outcomes:
    """Records each lease's outcome once; a replay of the same call is accepted.

    `jitter` gives random numbers in [0, 1) for the wait before a retry. With
    a `store`, outputs that are said to lie there are looked for.
    """

    def __init__(
        self,
        *,
        units: UnitOfWorkFactory,
        signals: Signals,
        limits: Limits,
        jitter: Callable[[], float] = random.random,
        store: ArtifactStore | None = None,
    ) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits
        self._policy = limits.delivery
        self._jitter = jitter
        self._store = store

    def complete(
        self,
        worker_id: str,
        lease: LeaseRequest,
        outputs: Sequence[NewOutput],
        usage: Usage | None = None,
        finding: Finding | None = None,
    ) -> None:
        """Publish the outputs and end the step; nothing is visible before this commits.

        The steps that follow from its finding are added to the job. Raises
        InvalidRequest, StaleLease, and StepCancelled: a cancel was accepted
        first, so the step is CANCELLED now and the outputs are dropped.
        """
        lost = self._find_lost(outputs)
        with self._units.write() as uow:
            locked = uow.jobs.lock_of_steps([lease.step_id])
            job, step = _find(locked, lease)
            if not attempts.holds(step, lease):
                if _replayed(uow, step, lease) is LeaseResult.COMPLETED:
                    return
                raise StaleLease
            are_parts = step.kind in PART_MAKERS
            _check_outputs(
                outputs,
                f"{staging_prefix(job.job_id, lease)}/",
                str(step.settings.get("output_prefix", "")),
                self._limits.max_inline_part_bytes
                if are_parts
                else self._limits.max_inline_output_bytes,
            )
            if lost:
                raise InvalidRequest(*lost)
            ended = attempts.complete(step, lease, usage, locked.now)
            completed = ended.state is StepState.COMPLETED
            added: tuple[Step, ...] = ()
            if completed:
                added = self._following(job, step, finding, outputs, locked.now)
            change = settle(job, {step.step_id: ended}, locked.now, added=added)
            if completed:
                uow.artifacts.insert_outputs(
                    [_artifact(made, job, step, locked.now) for made in outputs],
                    are_parts=are_parts,
                )
            uow.jobs.save([change], locked.now)
            result = LeaseResult.COMPLETED if completed else LeaseResult.COMPLETED_TOO_LATE
            uow.leases.record(lease, result, locked.now)
            failpoint("complete.before_commit")
        failpoint("complete.after_commit", StorageUnavailable)
        self._tell(change, ended, worker_id, "", usage)
        if not completed:
            raise StepCancelled

    def fail(
        self,
        worker_id: str,
        lease: LeaseRequest,
        failure: Failure,
        usage: Usage | None = None,
    ) -> None:
        """End the attempt without outputs; the retry policy decides what follows.

        The usage of a failed attempt is not kept: a job's usage is what its
        results have cost. Raises InvalidRequest, StaleLease.
        """
        if not failure.reason:
            raise InvalidRequest(Violation("failure.reason", "must be set"))
        with self._units.write() as uow:
            locked = uow.jobs.lock_of_steps([lease.step_id])
            job, step = _find(locked, lease)
            if not attempts.holds(step, lease):
                if uow.leases.find(lease) in {LeaseResult.FAILED, LeaseResult.COMPLETED_TOO_LATE}:
                    return
                raise StaleLease
            ended = attempts.fail(step, lease, failure, self._policy, self._jitter(), locked.now)
            change = settle(job, {step.step_id: ended}, locked.now)
            uow.jobs.save([change], locked.now)
            uow.leases.record(lease, LeaseResult.FAILED, locked.now)
            failpoint("fail.before_commit")
        failpoint("fail.after_commit", StorageUnavailable)
        self._tell(change, ended, worker_id, failure.reason, usage)

    def _following(
        self,
        job: Job,
        step: Step,
        finding: Finding | None,
        outputs: Sequence[NewOutput],
        now: datetime,
    ) -> tuple[Step, ...]:
        """Make the steps that follow from what a step has found. Raises InvalidRequest."""
        filenames = [output.filename for output in outputs]
        planned = steps_after(job, step, finding, filenames, self._limits.step_timeouts)
        return new_steps(planned, job.job_id, now, lambda: uuid7(now))

    def _find_lost(self, outputs: Sequence[NewOutput]) -> list[Violation]:
        """Name the outputs that do not lie in the store with the size that is said.

        Asked before the transaction, so that a slow store holds no lock.
        """
        if self._store is None:
            return []
        lost = []
        for index, output in enumerate(outputs):
            if output.storage_key is None:
                continue
            size = None
            # A key that the store refuses is refused below, by its place.
            with naming_store_troubles(), suppress(InvalidKey):
                size = self._store.size(output.storage_key)
            if size != output.digest.size_bytes:
                lost.append(
                    Violation(
                        f"outputs[{index}].storage_key",
                        "does not hold that many bytes",
                        "OUTPUT_MISSING",
                    )
                )
        return lost

    def _tell(
        self, change: Change, step: Step, worker_id: str, reason: str, usage: Usage | None
    ) -> None:
        _log.info(
            "attempt_ended",
            job_id=str(step.job_id),
            step_id=str(step.step_id),
            state=step.state.value,
            attempt=step.attempt,
            reason=reason,
            worker_id=worker_id,
            processing_seconds=usage.processing_seconds if usage else None,
        )
        self._signals.job_changed(change.after.job_id)
        if change.has_new_pending:
            self._signals.steps_pending()


def _find(locked: LockedJobs, lease: LeaseRequest) -> tuple[Job, Step]:
    """Return the lease's job and step. Raises StaleLease if there are none."""
    for job in locked.jobs.values():
        for step in job.steps:
            if step.step_id == lease.step_id:
                return job, step
    raise StaleLease


def _replayed(uow: UnitOfWork, step: Step, lease: LeaseRequest) -> LeaseResult | None:
    """Return how an ended lease has ended. Raises StepCancelled."""
    result = uow.leases.find(lease)
    forced = step.state is StepState.CANCELLED and step.generation == lease.generation
    if result is LeaseResult.COMPLETED_TOO_LATE or (result is None and forced):
        raise StepCancelled
    return result


def _check_outputs(
    outputs: Sequence[NewOutput], prefix: str, name_prefix: str, most_inline_bytes: int
) -> None:
    """Make sure that outputs are what they say and lie where they may."""
    violations: list[Violation] = []
    for index, output in enumerate(outputs):
        field = f"outputs[{index}]"
        name = output.filename.removeprefix(name_prefix)
        violations += check_filename(name, f"{field}.filename")
        violations += check_media_type(output.media_type, f"{field}.media_type")
        violations += check_digest(output.digest, f"{field}.digest")
        if (output.inline is None) == (output.storage_key is None):
            violations.append(Violation(field, "must be either inline or stored"))
        elif output.inline is not None:
            violations += _check_inline(output.inline, output.digest, field, most_inline_bytes)
        elif not _lies_below(prefix, output.storage_key or ""):
            violations.append(
                Violation(f"{field}.storage_key", "must lie below the lease's staging_prefix")
            )
    if violations:
        raise InvalidRequest(*violations)


def _check_inline(inline: bytes, digest: Digest, field: str, most: int) -> list[Violation]:
    if len(inline) > most:
        return [Violation(f"{field}.inline", f"must have at most {most} bytes")]
    if digest_of(inline) != digest:
        return [Violation(f"{field}.digest", "does not match the bytes", "DIGEST_MISMATCH")]
    return []


def _lies_below(prefix: str, key: str) -> bool:
    rest = key.removeprefix(prefix)
    return key.startswith(prefix) and not {"", ".", ".."} & set(rest.split("/"))


def _artifact(output: NewOutput, job: Job, step: Step, now: datetime) -> Artifact:
    return Artifact(
        artifact_id=uuid7(now),
        tenant_id=job.tenant_id,
        state=ArtifactState.READY,
        filename=output.filename,
        media_type=output.media_type,
        created_at=now,
        digest=output.digest,
        received_bytes=output.digest.size_bytes,
        job_id=job.job_id,
        step_id=step.step_id,
        target_key=step.target_key,
        storage_key=output.storage_key,
        inline=output.inline,
    )
