"""Documents' jobs driven step by step, as workers would drive them, on a real database."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from job_service.application.leasing import GrantedLease, LeaseRequest, staging_prefix
from job_service.application.outcomes import NewOutput
from job_service.application.submission import NewJob
from job_service.domain.content import digest_of
from job_service.domain.expansion import Chunk, Extraction
from job_service.domain.job import Job, Step
from job_service.domain.spec import JobSpec
from tests.integration.core import WORKER, Core


class PipelineCore:
    """A core with the verbs of a document's job."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def submit(self, spec: JobSpec, **given: str) -> Job:
        return self.core.submission.create(self.core.tenant, NewJob(spec=spec, **given)).job  # type: ignore[arg-type] # the fields that are strings

    def step(self, job: Job, name: str) -> Step:
        return next(step for step in self.core.job(job).steps if step.name == name)

    def acquire(self, job: Job, name: str) -> GrantedLease:
        return self.core.acquire(self.step(job, name))

    def extract(
        self,
        job: Job,
        *characters: int,
        language: str = "en",
        original: str = "",
        lease: LeaseRequest | None = None,
    ) -> None:
        """Complete the extract step with chunks of so many characters."""
        lease = lease or self.acquire(job, "extract").request
        names = [f"chunk-{number}.json" for number in range(1, len(characters) + 1)]
        self.core.outcomes.complete(
            WORKER,
            lease,
            [self.stored(job, lease, name, name.encode() * 200) for name in names]
            + ([self.stored(job, lease, original, b"<p>hello</p>")] if original else []),
            None,
            Extraction(
                format="html",
                source_language=language,
                language_confidence=1.0,
                chunks=tuple(
                    Chunk(name, length, 3) for name, length in zip(names, characters, strict=True)
                ),
                original_filename=original,
            ),
        )

    def complete(
        self,
        job: Job,
        name: str,
        outputs: Mapping[str, bytes] | None = None,
        lease: LeaseRequest | None = None,
    ) -> None:
        """Complete a step with small outputs."""
        made = {f"{name}.json": b"{}"} if outputs is None else outputs
        self.core.outcomes.complete(
            WORKER,
            lease or self.acquire(job, name).request,
            [
                NewOutput(
                    filename=filename,
                    media_type="application/json",
                    digest=digest_of(data),
                    inline=data,
                )
                for filename, data in made.items()
            ],
        )

    def stored(self, job: Job, lease: LeaseRequest, filename: str, data: bytes) -> NewOutput:
        key = f"{staging_prefix(job.job_id, lease)}/{uuid4()}"
        self.core.store.write(key, [data])
        return NewOutput(
            filename=filename, media_type="text/plain", digest=digest_of(data), storage_key=key
        )

    def states(self, job: Job) -> dict[str, str]:
        return {step.name: step.state.value for step in self.core.job(job).steps}

    def ready(self, job: Job) -> Sequence[str]:
        return [name for name, state in self.states(job).items() if state == "PENDING"]
