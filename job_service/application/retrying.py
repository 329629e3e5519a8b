"""Making a new job from one that ended without full success."""

from uuid import UUID

from job_service.application.acceptance import Acceptance, Asked, Created, NewJob
from job_service.application.limits import Limits
from job_service.application.ports import Signals, UnitOfWork, UnitOfWorkFactory
from job_service.application.request_hash import redrive_hash
from job_service.application.secret_box import SecretBox
from job_service.domain.errors import (
    InvalidRequest,
    JobNotFound,
    StorageUnavailable,
    Violation,
)
from job_service.domain.redrive import deadline_of_redrive, spec_to_retry, with_api_key
from job_service.domain.spec import JobSpec, options_of


class Retrying:
    """Retries jobs, idempotently by (tenant, request_id).

    The new job has its parent's priority, labels, and a deadline that still
    lies ahead. A text that lay in the parent's spec is copied, so that each
    of the two can be deleted alone.
    """

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

    def retry(
        self,
        tenant_id: UUID,
        job_id: UUID,
        *,
        request_id: str = "",
        all_targets: bool = False,
        traceparent: str = "",
        chat_api_key: str = "",
    ) -> Created:
        """Do again what of a job did not complete, or all of it.

        A repeated request finds its job also after the parent was deleted.
        Raises JobNotFound, JobActive, JobSucceeded, ArtifactNotFound (its
        input is gone), SecretGone (it had a key and is given none),
        InvalidRequest (it had no chat model to give a key to), SecretsDisabled,
        IdempotencyMismatch, TooManyWaitingJobs.
        """
        body_hash = redrive_hash(
            job_id,
            all_targets=all_targets,
            secret_digest=self._acceptance.secret_digest(chat_api_key),
        )
        with self._units.write() as uow:
            # Repeats of one request wait here for each other.
            locked = uow.jobs.lock([job_id])
            made = self._find(uow, tenant_id, request_id, body_hash)
            if made is not None:
                return made
            parent = uow.jobs.load(tenant_id, [job_id]).get(job_id)
            if parent is None:
                raise JobNotFound
            asked = Asked(
                NewJob(
                    spec=_with_key(
                        spec_to_retry(parent, all_targets=all_targets), given=bool(chat_api_key)
                    ),
                    chat_api_key=chat_api_key,
                    priority=parent.priority,
                    request_id=request_id,
                    labels=parent.labels,
                    deadline_at=deadline_of_redrive(parent, locked.now),
                    traceparent=traceparent,
                ),
                body_hash,
                parent_job_id=job_id,
            )
            born = self._acceptance.open(uow, tenant_id, [asked]).get(id(asked))
            if born is None:
                # Another call has just taken the request_id.
                made = self._find(uow, tenant_id, request_id, body_hash)
                if made is None:
                    raise StorageUnavailable("The job was deleted just now; try again.")
                return made
        self._signals.steps_pending()
        return Created(born, created=True)

    def _find(
        self, uow: UnitOfWork, tenant_id: UUID, request_id: str, body_hash: bytes
    ) -> Created | None:
        """Return the job that the request_id has made. Raises IdempotencyMismatch."""
        if not request_id:
            return None
        made = self._acceptance.find_made(uow, tenant_id, [(request_id, body_hash)])
        found = uow.jobs.load(tenant_id, list(made.values()))
        return next((Created(job, created=False) for job in found.values()), None)


def _with_key(spec: JobSpec, *, given: bool) -> JobSpec:
    """Say in the spec that a key came with it. Raises InvalidRequest."""
    if not given:
        return spec
    options = options_of(spec)
    if options is None or options.chat_model is None:
        raise InvalidRequest(Violation("chat_api_key", "the job has no chat_model"))
    return with_api_key(spec)
