"""Accepting jobs: check, plan, store; once it returns, the job is durable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from babelmill.kit.process.failpoints import failpoint
from job_service.application.catalog import OfferCache
from job_service.application.limits import Limits
from job_service.application.ports import JobToInsert, Signals, UnitOfWork, UnitOfWorkFactory
from job_service.application.request_hash import request_hash
from job_service.domain.content import digest_of
from job_service.domain.errors import (
    ArtifactNotFound,
    ArtifactNotReady,
    IdempotencyMismatch,
    InvalidRequest,
    StorageUnavailable,
    TooManyWaitingJobs,
    Violation,
)
from job_service.domain.ids import uuid7
from job_service.domain.job import Artifact, ArtifactState, Job, Priority
from job_service.domain.opening import Request, open_job
from job_service.domain.plan import Source, plan
from job_service.domain.spec import JobSpec, TranslateText, input_artifact_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a client asks for. An empty `request_id` makes every call a new job."""

    spec: JobSpec
    priority: Priority = Priority.NORMAL
    request_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    deadline_at: datetime | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """The accepted job; `created` is False when its request_id had made it before."""

    job: Job
    created: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request of a batch, where its fields lie, and what it hashes to."""

    new: NewJob
    path: str
    body_hash: bytes


class Submission:
    """Creates jobs, idempotently by (tenant, request_id)."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals, limits: Limits) -> None:
        self._units = units
        self._signals = signals
        self._limits = limits
        self._offers = OfferCache()

    def create(self, tenant_id: UUID, new: NewJob) -> Created:
        """Accept one job.

        Raises InvalidRequest, ArtifactNotFound, ArtifactNotReady,
        IdempotencyMismatch, TooManyWaitingJobs, StorageUnavailable, OutOfSpace.
        """
        return self._accept(tenant_id, [_ask(new, "")])[0]

    def create_batch(self, tenant_id: UUID, new_jobs: Sequence[NewJob]) -> list[Created]:
        """Accept all or none, in one transaction and in the given order.

        Raises as `create`; violations name fields as `requests[3].spec...`.
        """
        return self._accept(
            tenant_id, [_ask(new, f"requests[{index}].") for index, new in enumerate(new_jobs)]
        )

    def _accept(self, tenant_id: UUID, asked: Sequence[_Asked]) -> list[Created]:
        with self._units.write() as uow:
            made = self._find_made(uow, tenant_id, asked)
            fresh = _unmade(asked, made)
            born: dict[int, Job] = {}
            if fresh:
                born = self._open(uow, tenant_id, fresh)
                # What another transaction has made meanwhile is found only now.
                overtaken = [one for one in fresh if id(one) not in born]
                if overtaken:
                    made.update(self._find_made(uow, tenant_id, overtaken))
            by_request = {job.request_id: job for job in born.values() if job.request_id}
            earlier = uow.jobs.load(tenant_id, sorted(set(made.values()))) if made else {}
            failpoint("submission.before_commit")
        failpoint("submission.after_commit", StorageUnavailable)
        if born:
            self._signals.steps_pending()
        return [
            Created(born[id(one)], created=True)
            if id(one) in born
            else Created(
                by_request.get(one.new.request_id) or earlier[made[one.new.request_id]],
                created=False,
            )
            for one in asked
        ]

    def _find_made(
        self, uow: UnitOfWork, tenant_id: UUID, asked: Sequence[_Asked]
    ) -> dict[str, UUID]:
        """Return the jobs that earlier requests have made. Raises IdempotencyMismatch."""
        request_ids = {one.new.request_id for one in asked if one.new.request_id}
        found = uow.jobs.find_requests(tenant_id, request_ids) if request_ids else {}
        for one in asked:
            _, known_hash = found.get(one.new.request_id, (None, one.body_hash))
            if known_hash != one.body_hash:
                raise IdempotencyMismatch(request_id=one.new.request_id)
        return {request_id: job_id for request_id, (job_id, _) in found.items()}

    def _open(self, uow: UnitOfWork, tenant_id: UUID, fresh: Sequence[_Asked]) -> dict[int, Job]:
        """Check and store new jobs; return those stored by the identity of the request."""
        most = self._limits.max_waiting_jobs
        now, waiting = uow.jobs.admission(tenant_id, up_to=most + 1)
        for one in fresh:
            _check_deadline(one, now)
        if waiting + len(fresh) > most:
            raise TooManyWaitingJobs(
                self._limits.admission_retry_after, limit=str(most), waiting=str(waiting)
            )
        for one in fresh:
            self._offers.check(uow, one.new.spec, one.path)
        artifacts = self._find_inputs(uow, tenant_id, fresh)
        opened = [
            (one, self._prepare(tenant_id, one, artifacts, now, lambda: uuid7(now)))
            for one in fresh
        ]
        stored = uow.jobs.insert([new for _, new in opened])
        return {id(one): new.job for one, new in opened if new.job.job_id in stored}

    def _find_inputs(
        self, uow: UnitOfWork, tenant_id: UUID, fresh: Sequence[_Asked]
    ) -> Mapping[UUID, Artifact]:
        """Return the artifacts named in the specs, which must all be READY."""
        wanted = [
            (one, artifact_id) for one in fresh for artifact_id in input_artifact_ids(one.new.spec)
        ]
        if not wanted:
            return {}
        found = uow.artifacts.find(tenant_id, {artifact_id for _, artifact_id in wanted})
        for one, artifact_id in wanted:
            artifact = found.get(artifact_id)
            if artifact is None:
                raise ArtifactNotFound(artifact_id=str(artifact_id))
            if artifact.state is not ArtifactState.READY or artifact.digest is None:
                raise ArtifactNotReady(artifact_id=str(artifact_id))
            is_text = isinstance(one.new.spec, TranslateText)
            if is_text and artifact.digest.size_bytes > self._limits.max_text_bytes:
                raise InvalidRequest(
                    Violation(
                        f"{one.path}spec.translate_text.artifact_id",
                        f"the text has more than {self._limits.max_text_bytes} bytes",
                        "TOO_LARGE",
                    )
                )
        return found

    def _prepare(
        self,
        tenant_id: UUID,
        one: _Asked,
        artifacts: Mapping[UUID, Artifact],
        now: datetime,
        new_id: Callable[[], UUID],
    ) -> JobToInsert:
        """Plan a job whose request has passed all checks."""
        new, job_id = one.new, new_id()
        text = _text_artifact(new.spec, tenant_id, job_id, new_id(), now)
        source_artifact = text or artifacts[input_artifact_ids(new.spec)[0]]
        digest = source_artifact.digest
        source = Source(
            source_artifact.artifact_id,
            digest.size_bytes if digest else 0,
            len(new.spec.text)
            if isinstance(new.spec, TranslateText) and new.spec.text is not None
            else None,
        )
        job = open_job(
            job_id=job_id,
            tenant_id=tenant_id,
            spec=new.spec,
            planned=plan(new.spec, source),
            request=Request(
                priority=new.priority,
                labels=new.labels,
                request_id=new.request_id,
                deadline_at=new.deadline_at,
                traceparent=new.traceparent,
            ),
            now=now,
            new_id=new_id,
        )
        return JobToInsert(job=job, request_hash=one.body_hash, text_artifact=text)


def _ask(new: NewJob, path: str) -> _Asked:
    return _Asked(new, path, request_hash(new.spec, new.priority, new.labels, new.deadline_at))


def _unmade(asked: Sequence[_Asked], made: Mapping[str, UUID]) -> list[_Asked]:
    """Keep each request once that has made no job. Raises IdempotencyMismatch."""
    first: dict[str, _Asked] = {}
    fresh = []
    for one in asked:
        request_id = one.new.request_id
        if not request_id:
            fresh.append(one)
        elif request_id not in made:
            if first.setdefault(request_id, one) is one:
                fresh.append(one)
            elif first[request_id].body_hash != one.body_hash:
                raise IdempotencyMismatch(request_id=request_id)
    return fresh


def _check_deadline(one: _Asked, now: datetime) -> None:
    if one.new.deadline_at is not None and one.new.deadline_at <= now:
        raise InvalidRequest(
            Violation(f"{one.path}deadline", "must lie in the future", "DEADLINE_IN_THE_PAST")
        )


def _text_artifact(
    spec: JobSpec, tenant_id: UUID, job_id: UUID, artifact_id: UUID, now: datetime
) -> Artifact | None:
    """Make the artifact in which a spec's inline text is kept."""
    if not isinstance(spec, TranslateText) or spec.text is None:
        return None
    data = spec.text.encode()
    return Artifact(
        artifact_id=artifact_id,
        tenant_id=tenant_id,
        state=ArtifactState.READY,
        filename="text.txt",
        media_type="text/plain",
        created_at=now,
        digest=digest_of(data),
        received_bytes=len(data),
        job_id=job_id,
        inline=data,
    )
