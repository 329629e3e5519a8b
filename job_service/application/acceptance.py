"""Taking jobs in: who may, with which inputs, and what is stored.

Every way to make a job goes through here, within its caller's transaction:
submitting one, and doing an ended one again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from job_service.application.catalog import OfferCache
from job_service.application.drain import DrainRate
from job_service.application.job_terms import JobTerms
from job_service.application.limits import Limits
from job_service.application.ports import JobToInsert, UnitOfWork
from job_service.application.quotas import TenantQuotas
from job_service.application.request_hash import work_hash
from job_service.application.reuse import Reuse
from job_service.application.secret_box import SecretBox
from job_service.domain.content import digest_of
from job_service.domain.errors import (
    ArtifactNotFound,
    ArtifactNotReady,
    IdempotencyMismatch,
    InvalidRequest,
    SecretGone,
    SecretsDisabled,
    TooManyWaitingJobs,
    Violation,
)
from job_service.domain.ids import uuid7
from job_service.domain.job import Artifact, ArtifactState, Job, Priority
from job_service.domain.offer import Offer
from job_service.domain.opening import Request, open_job
from job_service.domain.plan import Source, plan
from job_service.domain.segments import Segmenting
from job_service.domain.spec import (
    InlineSource,
    JobSpec,
    Media,
    TranslateText,
    inline_source,
    input_artifact_ids,
    needs_api_key,
)
from job_service.domain.subtitles import LocalizeVideo


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a client asks for. An empty `request_id` makes every call a new job.

    `chat_api_key` is the chat model's; no other field of a job ever holds it.
    With `reuse_results` an earlier job's results may serve this one.
    """

    spec: JobSpec
    priority: Priority = Priority.NORMAL
    request_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    deadline_at: datetime | None = None
    traceparent: str = ""
    reuse_results: bool = False
    chat_api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Created:
    """The accepted job; `created` is False when its request_id had made it before."""

    job: Job
    created: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, where its fields lie (such as "requests[3]."), and what it hashes to.

    With a parent it is a redrive: its spec was accepted before and is not
    judged again.
    """

    new: NewJob
    body_hash: bytes
    path: str = ""
    parent_job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known when a job is planned."""

    now: datetime
    artifacts: Mapping[UUID, Artifact]
    terms: bytes | None
    extracts: bool
    segmenting: Segmenting


class Acceptance:
    """Checks, plans and stores new jobs."""

    def __init__(self, limits: Limits, secrets: SecretBox | None = None) -> None:
        self._limits = limits
        self._secrets = secrets
        self._offers = OfferCache()
        self._drain = DrainRate(limits)
        self._quotas = TenantQuotas(limits.quotas)

    def secret_digest(self, chat_api_key: str) -> bytes:
        """Return what stands for a key in a request's hash; empty for none.

        Raises SecretsDisabled.
        """
        return self._box.digest(chat_api_key) if chat_api_key else b""

    @property
    def _box(self) -> SecretBox:
        if self._secrets is None:
            raise SecretsDisabled
        return self._secrets

    def find_made(
        self, uow: UnitOfWork, tenant_id: UUID, hashes: Collection[tuple[str, bytes]]
    ) -> dict[str, UUID]:
        """Return the jobs that earlier requests have made, by request_id.

        `hashes` are the request_ids with what their requests hash to; empty
        ids have made nothing. Raises IdempotencyMismatch where an earlier
        request had another body.
        """
        request_ids = {request_id for request_id, _ in hashes if request_id}
        found = uow.jobs.find_requests(tenant_id, request_ids) if request_ids else {}
        for request_id, body_hash in hashes:
            _, known_hash = found.get(request_id, (None, body_hash))
            if known_hash != body_hash:
                raise IdempotencyMismatch(request_id=request_id)
        return {request_id: job_id for request_id, (job_id, _) in found.items()}

    def open(self, uow: UnitOfWork, tenant_id: UUID, fresh: Sequence[Asked]) -> dict[int, Job]:
        """Check and store new jobs; return those stored by the identity of the request."""
        most = self._limits.max_waiting_jobs
        now, waiting = uow.jobs.admission(tenant_id, up_to=most + 1)
        for one in fresh:
            if one.parent_job_id is None:
                _check_deadline(one, now)
        if waiting + len(fresh) > most:
            wait = self._drain.wait_for(uow, tenant_id, waiting + len(fresh) - most)
            raise TooManyWaitingJobs(wait, limit=str(most), waiting=str(waiting))
        for one in fresh:
            if one.parent_job_id is None:
                self._offers.check(uow, one.new.spec, one.path)
                _check_budget(one)
            elif needs_api_key(one.new.spec) and not one.new.chat_api_key:
                raise SecretGone(job_id=str(one.parent_job_id))
        offer = self._offers.current(uow)
        extracts = _extracts(offer)
        segmenting = Segmenting(offer.presets_in_segments, self._limits.segments)
        artifacts = self._find_inputs(uow, tenant_id, fresh)
        opened = []
        all_terms = JobTerms(uow, tenant_id)
        for one in fresh:
            terms = all_terms.document(one.new.spec, one.parent_job_id, one.path)
            facts = _Facts(now, artifacts, terms, extracts, segmenting)
            opened.append((one, self._prepare(tenant_id, one, facts)))
        reuse = Reuse(uow, tenant_id, now)
        allowed = {new.job.job_id for one, new in opened if one.new.reuse_results}
        served = reuse.serve([new for _, new in opened], allowed)
        self._quotas.check_jobs(uow, tenant_id, served, now)
        stored = uow.jobs.insert(served)
        self._quotas.charge_jobs(uow, tenant_id, served, stored, now)
        completed = reuse.complete(stored)
        return {
            id(one): completed.get(new.job.job_id, new.job)
            for (one, _), new in zip(opened, served, strict=True)
            if new.job.job_id in stored
        }

    def _find_inputs(
        self, uow: UnitOfWork, tenant_id: UUID, fresh: Sequence[Asked]
    ) -> Mapping[UUID, Artifact]:
        """Return the artifacts named in the specs, which must all be READY."""
        wanted = [
            (one, artifact_id) for one in fresh for artifact_id in input_artifact_ids(one.new.spec)
        ]
        if not wanted:
            return {}
        found = uow.artifacts.hold(tenant_id, {artifact_id for _, artifact_id in wanted})
        for one, artifact_id in wanted:
            artifact = found.get(artifact_id)
            if artifact is None or artifact.expired_at is not None:
                raise ArtifactNotFound(
                    artifact_id=str(artifact_id),
                    **({"job_id": str(one.parent_job_id)} if one.parent_job_id else {}),
                )
            if artifact.state is not ArtifactState.READY or artifact.digest is None:
                raise ArtifactNotReady(artifact_id=str(artifact_id))
            self._check_size(one, artifact)
        return found

    def _check_size(self, one: Asked, artifact: Artifact) -> None:
        """Refuse an input that no worker would take. Raises InvalidRequest."""
        spec = one.new.spec
        if isinstance(spec, Media | LocalizeVideo) or artifact.digest is None:
            return
        most = (
            self._limits.max_text_bytes
            if isinstance(spec, TranslateText)
            else self._limits.max_document_bytes
        )
        if artifact.digest.size_bytes > most:
            raise InvalidRequest(
                Violation(
                    f"{one.path}spec.{spec.kind}.artifact_id",
                    f"the artifact has more than {most} bytes",
                    "TOO_LARGE",
                )
            )

    def _prepare(
        self,
        tenant_id: UUID,
        one: Asked,
        facts: _Facts,
    ) -> JobToInsert:
        """Plan a job whose request has passed all checks. Raises SecretsDisabled."""
        now = facts.now

        def new_id() -> UUID:
            return uuid7(now)

        def own(content: InlineSource | None) -> Artifact | None:
            if content is None:
                return None
            return _own_artifact(content, tenant_id, job_id, new_id(), now)

        new, job_id = one.new, new_id()
        brought = own(inline_source(new.spec))
        terms = None
        if facts.terms is not None:
            terms = own(InlineSource("terms.json", "application/json", facts.terms))
        glossary_id = None if terms is None else terms.artifact_id
        source = _source(new.spec, brought, facts.artifacts, glossary_id)
        job = open_job(
            job_id=job_id,
            tenant_id=tenant_id,
            spec=new.spec,
            planned=plan(
                new.spec,
                source,
                self._limits.step_timeouts,
                extracts=facts.extracts,
                segmenting=facts.segmenting,
            ),
            request=Request(
                priority=new.priority,
                labels=new.labels,
                request_id=new.request_id,
                deadline_at=new.deadline_at,
                traceparent=new.traceparent,
                parent_job_id=one.parent_job_id,
            ),
            now=now,
            new_id=new_id,
        )
        return JobToInsert(
            job=job,
            request_hash=one.body_hash,
            source_artifact=brought,
            glossary_artifact=terms,
            sealed_secret=(
                self._box.seal(tenant_id, job_id, new.chat_api_key) if new.chat_api_key else None
            ),
            work_hash=work_hash(
                new.spec,
                {each: facts.artifacts[each] for each in input_artifact_ids(new.spec)},
                facts.terms,
            ),
        )


def _check_deadline(one: Asked, now: datetime) -> None:
    if one.new.deadline_at is not None and one.new.deadline_at <= now:
        raise InvalidRequest(
            Violation(f"{one.path}deadline", "must lie in the future", "DEADLINE_IN_THE_PAST")
        )


def _check_budget(one: Asked) -> None:
    """Refuse a text that is surely longer than its budget; a document is measured later."""
    spec = one.new.spec
    if not isinstance(spec, TranslateText) or spec.text is None:
        return
    most = spec.options.budget.max_characters
    wanted = len(spec.text) * len(spec.target_languages)
    if most and wanted > most:
        raise InvalidRequest(
            Violation(
                f"{one.path}spec.translate_text.options.budget.max_characters",
                f"the text has {wanted} characters, times the target languages",
                "BUDGET_EXCEEDED",
            )
        )


def _extracts(offer: Offer) -> bool:
    """Tell whether texts may be cut into chunks: not while only older workers are there."""
    return offer.extracts or not offer.translates_text


def _source(
    spec: JobSpec,
    brought: Artifact | None,
    artifacts: Mapping[UUID, Artifact],
    glossary_id: UUID | None,
) -> Source:
    """Say what is known of the input."""
    named = input_artifact_ids(spec)
    artifact = brought or (artifacts[named[0]] if named else None)
    text = spec.text if isinstance(spec, TranslateText) else None
    return Source(
        artifact.artifact_id if artifact else None,
        artifact.digest.size_bytes if artifact and artifact.digest else 0,
        None if text is None else len(text),
        glossary_id,
    )


def _own_artifact(
    content: InlineSource, tenant_id: UUID, job_id: UUID, artifact_id: UUID, now: datetime
) -> Artifact:
    """Make an artifact of the job's own, which clients do not see."""
    return Artifact(
        artifact_id=artifact_id,
        tenant_id=tenant_id,
        state=ArtifactState.READY,
        filename=content.filename,
        media_type=content.media_type,
        created_at=now,
        digest=digest_of(content.data),
        received_bytes=len(content.data),
        job_id=job_id,
        inline=content.data,
    )
