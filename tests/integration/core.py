"""The use cases on a real database, and readable ways to drive them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import CacheStats

from babelmill.kit.artifacts.local_store import LocalStore
from job_service.application.cancellation import Cancellation
from job_service.application.catalog import Catalog
from job_service.application.dead_letters import DeadLetters
from job_service.application.glossaries import Glossaries
from job_service.application.leasing import (
    GrantedLease,
    HeartbeatReport,
    LeaseDirective,
    LeaseRequest,
    Leasing,
)
from job_service.application.limits import Limits
from job_service.application.outcomes import NewOutput, Outcomes
from job_service.application.publishing import Publishing
from job_service.application.queries import Queries
from job_service.application.reaper import Reaper
from job_service.application.retrying import Retrying
from job_service.application.secret_box import SecretBox
from job_service.application.segment_memory import SegmentMemory
from job_service.application.submission import NewJob, Submission
from job_service.application.tokens import Tokens
from job_service.application.uploads import Uploads
from job_service.domain.content import digest_of
from job_service.domain.events import JobEvent
from job_service.domain.job import Failure, Job, Progress, Step
from job_service.domain.spec import TranslateText
from job_service.storage.engine import Database, open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory

WORKER = "translation_worker@host:1"
FLAKY = Failure("ENGINE_FAILED", "The engine failed.", retryable=True)
HOPELESS = Failure("NOT_UTF8", "The text is not UTF-8.")


@dataclass
class RecordingSignals:
    """Remembers the hints that went out."""

    jobs: Counter[UUID] = field(default_factory=Counter)
    cancels: Counter[UUID] = field(default_factory=Counter)
    pending: int = 0

    def job_changed(self, job_id: UUID) -> None:
        self.jobs[job_id] += 1

    def steps_pending(self) -> None:
        self.pending += 1

    def cancel_requested(self, job_id: UUID) -> None:
        self.cancels[job_id] += 1


# Any: SQLAlchemy's events have driver objects of no common type.
def _insist_on_compiled_once(
    _: Any, __: Any, statement: str, ___: Any, context: Any, ____: bool
) -> None:
    """A statement without a key of SQLAlchemy's cache costs milliseconds in each call."""
    if context is not None:
        assert context.cache_hit is not CacheStats.NO_CACHE_KEY, statement


class Core:
    """Every use case on one pool, and one tenant."""

    def __init__(
        self,
        database: Database,
        artifacts: Path,
        limits: Limits,
        secrets: SecretBox | None = None,
    ) -> None:
        units = SqlUnitOfWorkFactory(database)
        event.listen(database.engine, "before_cursor_execute", _insist_on_compiled_once)
        self.database = database
        self.units = units
        self.limits = limits
        self.signals = RecordingSignals()
        self.store = LocalStore(artifacts)
        self.tokens = Tokens(units=units)
        self.catalog = Catalog(units=units)
        self.queries = Queries(units=units)
        self.submission = Submission(
            units=units, signals=self.signals, limits=limits, secrets=secrets
        )
        self.retrying = Retrying(units=units, signals=self.signals, limits=limits, secrets=secrets)
        self.dead_letters = DeadLetters(units=units, signals=self.signals, limits=limits)
        self.glossaries = Glossaries(units=units, limits=limits)
        self.memory = SegmentMemory(units=units, limits=limits)
        self.cancellation = Cancellation(units=units, signals=self.signals, limits=limits)
        self.leasing = Leasing(units=units, signals=self.signals, limits=limits, secrets=secrets)
        self.outcomes = Outcomes(
            units=units,
            signals=self.signals,
            limits=limits,
            jitter=lambda: 0.5,
            store=self.store,
        )
        self.publishing = Publishing(units=units, signals=self.signals)
        self.reaper = Reaper(
            units=units, signals=self.signals, limits=limits, recovery_grace=timedelta()
        )
        self.uploads = Uploads(units=units, store=self.store, limits=limits)
        self.tenant = self.tokens.create_tenant("one")

    def create(self, *languages: str, body: str = "hello", request_id: str = "") -> Job:
        spec = TranslateText("en", languages or ("pt",), text=body)
        return self.submission.create(self.tenant, NewJob(spec=spec, request_id=request_id)).job

    def job(self, job: Job) -> Job:
        return self.queries.get_job(self.tenant, job.job_id)

    def step(self, job: Job, index: int = 0) -> Step:
        return self.job(job).steps[index]

    def events(self, job: Job) -> list[JobEvent]:
        return self.queries.list_events(self.tenant, job.job_id, 0, 10_000)

    def publish(self) -> int:
        taken = self.publishing.take(1000)
        self.publishing.mark_published(taken)
        return len(taken)

    def acquire(self, step: Step) -> GrantedLease:
        request = LeaseRequest(step.step_id, step.generation, uuid4())
        granted, refused = self.leasing.acquire(WORKER, [request])
        assert not refused
        return granted[0]

    def start(self, job: Job, index: int = 0) -> LeaseRequest:
        return self.acquire(self.step(job, index)).request

    def beat(self, lease: LeaseRequest, progress: Progress | None = None) -> LeaseDirective:
        report = HeartbeatReport(lease.step_id, lease.generation, lease.lease_id, progress)
        return self.leasing.heartbeat(WORKER, [report])[0]

    def complete(self, lease: LeaseRequest, body: bytes = b"ola") -> None:
        output = NewOutput(
            filename="pt.txt", media_type="text/plain", digest=digest_of(body), inline=body
        )
        self.outcomes.complete(WORKER, lease, [output])

    def fail(self, lease: LeaseRequest, failure: Failure = FLAKY) -> None:
        self.outcomes.fail(WORKER, lease, failure)

    def move_into_past(self, column: str, step_id: UUID, seconds: float = 1) -> None:
        """Let the time of one of a step's columns be over."""
        self.execute(
            f"UPDATE steps SET {column} = clock_timestamp() - make_interval(secs => :seconds)"
            " WHERE step_id = :step_id",
            seconds=seconds,
            step_id=step_id,
        )

    def execute(self, statement: str, **parameters: object) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(text(statement), parameters)


@contextmanager
def open_core(
    url: str,
    artifacts: Path,
    limits: Limits | None = None,
    secrets: SecretBox | None = None,
) -> Iterator[Core]:
    database = open_database(url, pool_size=16)
    try:
        yield Core(database, artifacts, limits or Limits(), secrets)
    finally:
        database.close()
