"""Giving workers the right to attempts, and keeping it alive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from babelmill.kit.process.failpoints import failpoint
from babelmill.kit.process.logs import get_logger
from job_service.application.limits import Limits
from job_service.application.ports import LockedJobs, Signals, UnitOfWork, UnitOfWorkFactory
from job_service.application.secret_box import SecretBox, SecretUnreadable
from job_service.domain import attempts
from job_service.domain.errors import StaleLease, StorageUnavailable
from job_service.domain.job import Artifact, Failure, Job, Progress, Step, StepState
from job_service.domain.lease import LeaseDirective, LeaseRequest
from job_service.domain.settlement import note, settle
from job_service.domain.spec import needs_api_key, options_of
from job_service.domain.step_inputs import PartName, input_artifact_ids, part_inputs
from job_service.domain.translation import TranslationOptions

__all__ = [
    "GrantedLease",
    "HeartbeatReport",
    "LeaseDirective",
    "LeaseRequest",
    "Leasing",
    "staging_prefix",
]

_log = get_logger(__name__)

KEY_USERS = frozenset({"translate_text", "translate_segments", "adapt_tone"})
"""The kinds of steps whose workers may ask a chat model."""


@dataclass(frozen=True, slots=True)
class GrantedLease:
    """All that one attempt needs.

    `step.settings` says what to do (see domain.plan); artifact ids in it are
    keys of `inputs`. `parts` are outputs of earlier steps by what they are
    for; one that cannot be found is None. `options` are those of the job, if it
    is a translation. `timeout` is counted from now.
    """

    request: LeaseRequest
    job_id: UUID
    step: Step
    attempt: int
    ttl: timedelta
    timeout: timedelta
    traceparent: str
    inputs: Mapping[UUID, Artifact]
    staging_prefix: str
    parts: Mapping[str, tuple[Artifact | None, ...]] = field(default_factory=dict)
    options: TranslationOptions | None = None
    chat_api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HeartbeatReport:
    """One lease's sign of life. Of `progress` only unit, done, total and stage count."""

    step_id: UUID
    generation: int
    lease_id: UUID
    progress: Progress | None = None


def staging_prefix(job_id: UUID, lease: LeaseRequest) -> str:
    """Name the place in the artifact store that is one lease's alone."""
    return f"jobs/{job_id}/{lease.step_id}/{lease.generation}/{lease.lease_id}"


class _Draft:
    """Locked jobs and the steps changed so far: several requests may meet in one job."""

    def __init__(self, locked: LockedJobs) -> None:
        self.jobs = locked.jobs
        self.changed: dict[UUID, dict[UUID, Step]] = {}
        self._steps = {step.step_id: step for job in locked.jobs.values() for step in job.steps}
        self._names: dict[UUID, dict[str, UUID]] = {}

    def find(self, step_id: UUID) -> Step:
        """Return the step as it is now. Raises StaleLease if there is none."""
        try:
            return self._steps[step_id]
        except KeyError:
            raise StaleLease from None

    def job_of(self, step: Step) -> Job:
        """Return the job as it was locked."""
        return self.jobs[step.job_id]

    def step_id_of(self, job_id: UUID, name: str) -> UUID | None:
        """Return the step of this name in a locked job."""
        names = self._names.get(job_id)
        if names is None:
            names = {step.name: step.step_id for step in self.jobs[job_id].steps}
            self._names[job_id] = names
        return names.get(name)

    def put(self, step: Step) -> None:
        """Keep a changed step."""
        if step != self._steps[step.step_id]:
            self._steps[step.step_id] = step
            self.changed.setdefault(step.job_id, {})[step.step_id] = step


class Leasing:
    """Grants and extends leases, fenced by (generation, lease_id)."""

    def __init__(
        self,
        *,
        units: UnitOfWorkFactory,
        signals: Signals,
        limits: Limits,
        secrets: SecretBox | None = None,
    ) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits
        self._secrets = secrets
        self._policy = limits.delivery

    def acquire(
        self, worker_id: str, requests: Sequence[LeaseRequest]
    ) -> tuple[list[GrantedLease], list[LeaseRequest]]:
        """Return what was leased and what is refused, each in the order asked.

        A repeat with the same lease_id gives the same lease. A refused step is
        stale, taken, not due or finished: its message is to be dropped. What
        is in neither list did not fit the message any more: ask again.
        """
        granted: list[tuple[LeaseRequest, Step]] = []
        refused: list[LeaseRequest] = []
        with self._units.write() as uow:
            locked = uow.jobs.lock_of_steps({request.step_id for request in requests})
            draft = _Draft(locked)
            sizes = self._input_sizes(uow, draft, requests)
            room = self._limits.max_inline_lease_bytes
            keys = _Keys(uow, self._secrets, locked)
            for request in requests:
                try:
                    step = self._grant(draft, request, worker_id, locked.now)
                except StaleLease:
                    refused.append(request)
                    continue
                if not keys.can_open(step):
                    draft.put(self._without_key(step, request, locked.now))
                    refused.append(request)
                    continue
                size = sum(sizes.get(wanted, 0) for wanted in input_artifact_ids(step))
                size += self._limits.max_part_lease_bytes * sum(
                    len(names) for names in part_inputs(step).values()
                )
                if granted and size > room:
                    continue
                room -= size
                draft.put(step)
                granted.append((request, step))
            uow.jobs.save(
                [
                    settle(draft.jobs[id_], steps, locked.now)
                    for id_, steps in draft.changed.items()
                ],
                locked.now,
            )
            inputs = uow.artifacts.inputs(_inputs_of(draft, [step for _, step in granted]))
            parts = _Parts(uow, draft, [step for _, step in granted])
            failpoint("leasing.before_commit")
        failpoint("leasing.after_commit", StorageUnavailable)
        for job_id in draft.changed:
            self._signals.job_changed(job_id)
        leases = [
            replace(
                self._lease(request, step, draft.job_of(step), inputs, parts.of(step), locked.now),
                chat_api_key=keys.of(step),
            )
            for request, step in granted
        ]
        return leases, refused

    def heartbeat(self, worker_id: str, reports: Sequence[HeartbeatReport]) -> list[LeaseDirective]:
        """Extend leases, store progress, and answer each report in order."""
        directives: list[LeaseDirective] = []
        told_progress: set[UUID] = set()
        with self._units.write() as uow:
            locked = uow.jobs.lock_of_steps({report.step_id for report in reports})
            draft = _Draft(locked)
            for report in reports:
                lease = LeaseRequest(report.step_id, report.generation, report.lease_id)
                try:
                    step = attempts.beat(
                        draft.find(report.step_id),
                        lease,
                        report.progress,
                        self._policy,
                        locked.now,
                    )
                except StaleLease:
                    directives.append(LeaseDirective.LOST)
                    # A report and a heartbeat of one worker may overtake each other.
                    if uow.leases.find(lease) is None:
                        _log.warning("lease_lost", step_id=str(report.step_id), worker_id=worker_id)
                    continue
                draft.put(step)
                if report.progress is not None:
                    told_progress.add(step.job_id)
                cancelled = step.state is StepState.CANCELLING
                directives.append(LeaseDirective.CANCEL if cancelled else LeaseDirective.CONTINUE)
            uow.jobs.save(
                [
                    settle(draft.jobs[job_id], steps, locked.now)
                    if job_id in told_progress
                    else note(draft.jobs[job_id], steps)
                    for job_id, steps in draft.changed.items()
                ],
                locked.now,
            )
        failpoint("heartbeat.after_commit", StorageUnavailable)
        for job_id in told_progress:
            self._signals.job_changed(job_id)
        return directives

    def _grant(self, draft: _Draft, request: LeaseRequest, worker_id: str, now: datetime) -> Step:
        step = draft.find(request.step_id)
        deadline_at = draft.job_of(step).deadline_at
        if deadline_at is not None and deadline_at <= now:
            raise StaleLease
        return attempts.grant(step, request, worker_id, self._limits.lease_ttl, now)

    def _without_key(self, step: Step, request: LeaseRequest, now: datetime) -> Step:
        """Fail a step whose job's key cannot be read: no attempt could do it."""
        _log.error("secret_unreadable", job_id=str(step.job_id), step_id=str(step.step_id))
        failure = Failure(attempts.SECRET_UNREADABLE, "The job's api_key cannot be decrypted.")
        return attempts.fail(step, request, failure, self._policy, 0.0, now)

    def _input_sizes(
        self, uow: UnitOfWork, draft: _Draft, requests: Sequence[LeaseRequest]
    ) -> Mapping[UUID, int]:
        """Tell the inputs' inline sizes, where several leases have to share a message."""
        if len(requests) == 1:
            return {}
        steps = [step for job in draft.jobs.values() for step in job.steps]
        asked = {request.step_id for request in requests}
        return uow.artifacts.inline_sizes(
            _inputs_of(draft, [step for step in steps if step.step_id in asked])
        )

    def _lease(
        self,
        request: LeaseRequest,
        step: Step,
        job: Job,
        inputs: Mapping[UUID, Artifact],
        parts: Mapping[str, tuple[Artifact | None, ...]],
        now: datetime,
    ) -> GrantedLease:
        ends_at = (step.attempt_started_at or now) + step.timeout
        if job.deadline_at is not None:
            ends_at = min(ends_at, job.deadline_at)
        return GrantedLease(
            request=request,
            job_id=job.job_id,
            step=step,
            attempt=step.attempt,
            ttl=self._limits.lease_ttl,
            timeout=max(ends_at - now, timedelta()),
            traceparent=job.traceparent,
            inputs={id_: inputs[id_] for id_ in input_artifact_ids(step) if id_ in inputs},
            staging_prefix=staging_prefix(job.job_id, request),
            parts=parts,
            options=options_of(job.spec),
        )


def _inputs_of(draft: _Draft, steps: Sequence[Step]) -> set[tuple[UUID, UUID]]:
    return {
        (draft.job_of(step).tenant_id, artifact_id)
        for step in steps
        for artifact_id in input_artifact_ids(step)
    }


class _Keys:
    """The chat models' keys of some jobs, opened for the steps that use one."""

    def __init__(self, uow: UnitOfWork, box: SecretBox | None, locked: LockedJobs) -> None:
        owners = [job for job in locked.jobs.values() if needs_api_key(job.spec)]
        sealed = uow.secrets.find([job.job_id for job in owners]) if owners else {}
        self._keys = {job.job_id: _opened(box, job, sealed.get(job.job_id)) for job in owners}

    def can_open(self, step: Step) -> bool:
        """Tell whether the step needs no key, or has one that can be read."""
        return step.kind not in KEY_USERS or self._keys.get(step.job_id, "") is not None

    def of(self, step: Step) -> str:
        """Return the key for a step that uses one; empty if it needs none."""
        return (self._keys.get(step.job_id) or "") if step.kind in KEY_USERS else ""


def _opened(box: SecretBox | None, job: Job, sealed: bytes | None) -> str | None:
    """Open a job's key; None if it cannot be read."""
    if box is None or sealed is None:
        return None
    try:
        return box.open(job.tenant_id, job.job_id, sealed)
    except SecretUnreadable:
        return None


class _Parts:
    """The parts that some steps need, looked up together."""

    def __init__(self, uow: UnitOfWork, draft: _Draft, steps: Sequence[Step]) -> None:
        self._makers = {
            (step.step_id, named.step_name): draft.step_id_of(step.job_id, named.step_name)
            for step in steps
            for names in part_inputs(step).values()
            for named in names
        }
        makers = {maker for maker in self._makers.values() if maker is not None}
        self._made = uow.artifacts.parts(makers) if makers else {}

    def of(self, step: Step) -> Mapping[str, tuple[Artifact | None, ...]]:
        """Return a step's parts by what they are for, each None if it is not there."""
        return {
            use: tuple(self._find(step, named) for named in names)
            for use, names in part_inputs(step).items()
        }

    def _find(self, step: Step, named: PartName) -> Artifact | None:
        maker = self._makers[step.step_id, named.step_name]
        made = self._made.get(maker, ()) if maker is not None else ()
        if not named.filename:
            return made[0] if made else None
        return next((part for part in made if part.filename == named.filename), None)
