"""Accepting jobs: check, plan, store; once it returns, the job is durable."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from babelmill.kit.process.failpoints import failpoint
from job_service.application.acceptance import Acceptance, Asked, Created, NewJob
from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.application.request_hash import request_hash
from job_service.application.secret_box import SecretBox
from job_service.domain.errors import IdempotencyMismatch, StorageUnavailable
from job_service.domain.job import Job

__all__ = ["Created", "NewJob", "Submission"]


class Submission:
    """Creates jobs, idempotently by (tenant, request_id)."""

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
        self._acceptance = Acceptance(limits, secrets)

    def create(self, tenant_id: UUID, new: NewJob) -> Created:
        """Accept one job.

        Raises InvalidRequest, ArtifactNotFound, ArtifactNotReady,
        GlossaryNotFound, SecretsDisabled, IdempotencyMismatch,
        TooManyWaitingJobs, StorageUnavailable, OutOfSpace.
        """
        return self._accept(tenant_id, [self._ask(new, "")])[0]

    def create_batch(self, tenant_id: UUID, new_jobs: Sequence[NewJob]) -> list[Created]:
        """Accept all or none, in one transaction and in the given order.

        Raises as `create`; violations name fields as `requests[3].spec...`.
        """
        return self._accept(
            tenant_id, [self._ask(new, f"requests[{index}].") for index, new in enumerate(new_jobs)]
        )

    def _ask(self, new: NewJob, path: str) -> Asked:
        secret = self._acceptance.secret_digest(new.chat_api_key)
        body_hash = request_hash(
            new.spec,
            new.priority,
            new.labels,
            new.deadline_at,
            secret,
            reuse_results=new.reuse_results,
        )
        return Asked(new, body_hash, path)

    def _accept(self, tenant_id: UUID, asked: Sequence[Asked]) -> list[Created]:
        with self._units.write() as uow:
            made = self._acceptance.find_made(uow, tenant_id, _hashes(asked))
            fresh = _unmade(asked, made)
            born: dict[int, Job] = {}
            if fresh:
                born = self._acceptance.open(uow, tenant_id, fresh)
                # What another transaction has made meanwhile is found only now.
                overtaken = [one for one in fresh if id(one) not in born]
                if overtaken:
                    made.update(self._acceptance.find_made(uow, tenant_id, _hashes(overtaken)))
            by_request = {job.request_id: job for job in born.values() if job.request_id}
            earlier = uow.jobs.load(tenant_id, sorted(set(made.values()))) if made else {}
            if len(earlier) != len(set(made.values())):
                raise StorageUnavailable("The job was deleted just now; try again.")
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


def _hashes(asked: Sequence[Asked]) -> list[tuple[str, bytes]]:
    return [(one.new.request_id, one.body_hash) for one in asked]


def _unmade(asked: Sequence[Asked], made: Mapping[str, UUID]) -> list[Asked]:
    """Keep each request once that has made no job. Raises IdempotencyMismatch."""
    first: dict[str, Asked] = {}
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
