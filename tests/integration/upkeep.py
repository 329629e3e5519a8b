"""Retrying, replaying, deleting and retention on a real database and a real directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from job_service.application.dead_letters import DeadLetters
from job_service.application.deletion import Deletion
from job_service.application.leasing import LeaseRequest, staging_prefix
from job_service.application.limits import Limits
from job_service.application.orphans import Orphans
from job_service.application.outcomes import NewOutput
from job_service.application.queue_stats import QueueStats
from job_service.application.retention import Retention, RetentionReport
from job_service.application.retrying import Retrying
from job_service.application.submission import NewJob
from job_service.application.uploads import UploadRequest
from job_service.dispatch.routes import queues
from job_service.domain.content import digest_of
from job_service.domain.job import Artifact, Job
from job_service.domain.spec import Transcode, TranslateText
from tests.integration.core import FLAKY, WORKER, Core, open_core

CONTENT = bytes(range(256)) * 40
LONG_AGO = timedelta(days=3650)


class Upkeep:
    """What is done with jobs after their end."""

    def __init__(self, core: Core) -> None:
        self.core = core
        units, signals, limits = core.units, core.signals, core.limits
        self.retrying = Retrying(units=units, signals=signals, limits=limits)
        self.dead_letters = DeadLetters(units=units, signals=signals, limits=limits)
        self.orphans = Orphans(units=units, store=core.store)
        self.deletion = Deletion(units=units, signals=signals, orphans=self.orphans)
        self.retention = Retention(
            units=units, store=core.store, orphans=self.orphans, limits=limits
        )
        self.stats = QueueStats(units=units, queues=queues())

    def retry(self, job: Job, *, all_targets: bool = False, request_id: str = "") -> Job:
        return self.retrying.retry(
            self.core.tenant, job.job_id, all_targets=all_targets, request_id=request_id
        ).job

    def replay(self, *jobs: Job) -> list[Job]:
        return self.dead_letters.replay(self.core.tenant, [job.job_id for job in jobs])

    def delete(self, job: Job) -> None:
        self.deletion.delete(self.core.tenant, job.job_id)

    def retain(self) -> RetentionReport:
        return self.retention.run_once()

    def sweep(self, older_than: timedelta = timedelta()) -> int:
        return sum(self.orphans.sweep(older_than))

    def stored_keys(self) -> set[str]:
        return {key for key, _ in self.core.store.keys("")}

    def complete_in_store(self, lease: LeaseRequest, job: Job, data: bytes = CONTENT) -> Artifact:
        """Complete a step with one output that lies in the store, and return it."""
        key = f"{staging_prefix(job.job_id, lease)}/out.mp3"
        self.core.store.write(key, [data])
        output = NewOutput(
            filename="out.mp3", media_type="audio/mpeg", digest=digest_of(data), storage_key=key
        )
        self.core.outcomes.complete(WORKER, lease, [output])
        return self.core.job(job).targets[0].outputs[0]

    def dead(self, *languages: str, body: str = "hello") -> Job:
        """Make a dead letter: each step fails as often as it may."""
        job = self.core.create(*(languages or ("pt",)), body=body)
        for index in range(len(languages) or 1):
            self.kill(job, index)
        return self.core.job(job)

    def kill(self, job: Job, index: int = 0) -> None:
        """Let one step run out of its budget."""
        for _ in range(self.core.limits.retry.max_application_failures):
            step = self.core.step(job, index)
            if step.not_before is not None:
                self.core.move_into_past("not_before", step.step_id)
                self.core.reaper.run_once()
            self.core.fail(self.core.start(job, index), FLAKY)

    def upload(self, data: bytes = CONTENT, artifact_id: UUID | None = None) -> Artifact:
        request = UploadRequest(
            filename="a.txt", media_type="text/plain", artifact_id=artifact_id or uuid4()
        )
        begun = self.core.uploads.begin(self.core.tenant, request)
        self.core.uploads.append(self.core.tenant, begun.artifact_id, 0, data)
        return self.core.uploads.finish(self.core.tenant, begun.artifact_id)

    def translate(self, artifact: Artifact) -> Job:
        spec = TranslateText("en", ("pt",), artifact_id=artifact.artifact_id)
        return self.core.submission.create(self.core.tenant, NewJob(spec=spec)).job

    def transcode(self, artifact: Artifact) -> Job:
        spec = Transcode(artifact_id=artifact.artifact_id, preset="mp3")
        return self.core.submission.create(self.core.tenant, NewJob(spec=spec)).job

    def age(self, job: Job, age: timedelta = LONG_AGO) -> None:
        """Let a job, and what it made, have ended long ago."""
        for table, column in (("jobs", "finished_at"), ("artifacts", "created_at")):
            self.core.execute(
                f"UPDATE {table} SET {column} = {column} - :age WHERE job_id = :job_id",
                age=age,
                job_id=job.job_id,
            )

    def age_upload(self, artifact: Artifact, age: timedelta = LONG_AGO) -> None:
        self.core.execute(
            "UPDATE artifacts SET created_at = created_at - :age WHERE artifact_id = :artifact_id",
            age=age,
            artifact_id=artifact.artifact_id,
        )


@contextmanager
def open_upkeep(url: str, artifacts: Path, limits: Limits | None = None) -> Iterator[Upkeep]:
    with open_core(url, artifacts, limits) as core:
        yield Upkeep(core)
