"""The rules of delivery, played against the use cases on a real database.

The rules are those that the domain alone is held to; here transactions, locks,
triggers and the way rows are written and read are in between. Time passes by
moving everything that is written down into the past.
"""

from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from sqlalchemy import text

from job_service.application.leasing import HeartbeatReport, LeaseDirective
from job_service.application.outcomes import NewOutput, Outcomes
from job_service.application.ports import JobToInsert
from job_service.application.publishing import PublishableStep
from job_service.application.reaper import Reaper
from job_service.domain.content import digest_of
from job_service.domain.errors import JobFinished, StaleLease, StepCancelled
from job_service.domain.events import Fact
from job_service.domain.job import Failure, Job, Progress, Step
from job_service.domain.lease import LeaseRequest
from tests.integration.core import WORKER, Core, open_core
from tests.unit.job_service.domain.delivery_rules import PLAN, Delivery, World, extraction_by
from tests.unit.job_service.domain.jobs_to_test import a_job_of

_FOR_EVER = timedelta(days=1)


class PostgresWorld:
    """One job in a database that has no other."""

    def __init__(self, core: Core, deadline: timedelta | None) -> None:
        self._core = core
        self._jitter = 0.0
        self._outcomes = Outcomes(
            units=core.units,
            signals=core.signals,
            limits=core.limits,
            jitter=lambda: self._jitter,
            store=core.store,
        )
        self._reapers = {
            spare: Reaper(
                units=core.units,
                signals=core.signals,
                limits=core.limits,
                recovery_grace=_FOR_EVER if spare else timedelta(),
                jitter=lambda: 0.9,
            )
            for spare in (True, False)
        }
        core.execute("TRUNCATE jobs CASCADE")
        with core.units.write() as uow:
            now = uow.now()
            job = a_job_of(
                PLAN,
                tenant_id=core.tenant,
                deadline_at=None if deadline is None else now + deadline,
                now=now,
            )
            assert uow.jobs.insert([JobToInsert(job=job, request_hash=b"model")])
        self.job_id = job.job_id

    def job(self) -> Job:
        return self._core.queries.get_job(self._core.tenant, self.job_id)

    def facts(self) -> list[Fact]:
        events = self._core.queries.list_events(self._core.tenant, self.job_id, 0, 10_000)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        return [event.fact for event in events]

    def publish(self, step: Step, generation: int) -> None:
        sent = PublishableStep(
            step_id=step.step_id,
            generation=generation,
            kind=step.kind,
            priority=self.job().priority,
            traceparent="",
            job_id=self.job_id,
            name=step.name,
        )
        self._core.publishing.mark_published([sent])

    def acquire(self, lease: LeaseRequest) -> bool:
        granted, refused = self._core.leasing.acquire(WORKER, [lease])
        assert [one.request for one in granted] + refused == [lease]
        return bool(granted)

    def beat(self, lease: LeaseRequest, report: Progress) -> bool:
        beat = HeartbeatReport(lease.step_id, lease.generation, lease.lease_id, report)
        return self._core.leasing.heartbeat(WORKER, [beat]) != [LeaseDirective.LOST]

    def complete(self, lease: LeaseRequest) -> None:
        body = lease.lease_id.bytes
        output = NewOutput(
            filename=f"{lease.lease_id}.bin",
            media_type="application/octet-stream",
            digest=digest_of(body),
            inline=body,
        )
        try:
            self._outcomes.complete(WORKER, lease, [output], None, extraction_by(lease))
        except (StaleLease, StepCancelled):
            return

    def fail(self, lease: LeaseRequest, failure: Failure, jitter: float) -> None:
        self._jitter = jitter
        try:
            self._outcomes.fail(WORKER, lease, failure)
        except StaleLease:
            return

    def cancel(self) -> bool:
        try:
            self._core.cancellation.cancel(self._core.tenant, self.job_id)
        except JobFinished:
            return False
        return True

    def let_time_pass(self, time: timedelta, *, spare_leases: bool) -> None:
        for table, columns in (
            ("jobs", ("deadline_at", "cancel_requested_at")),
            (
                "steps",
                (
                    "lease_expires_at",
                    "not_before",
                    "cancel_requested_at",
                    "attempt_started_at",
                    "publish_at",
                ),
            ),
        ):
            changes = ", ".join(f"{column} = {column} - :time" for column in columns)
            self._core.execute(
                f"UPDATE {table} SET {changes} WHERE job_id IN"
                " (SELECT job_id FROM jobs WHERE finished_at IS NULL)",
                time=time,
            )
        self._reapers[spare_leases].run_once()

    def outputs(self) -> set[tuple[str, str]]:
        """All that was published, visible or not: target and filename."""
        statement = text(
            "SELECT target_key, filename FROM artifacts WHERE job_id = :job_id"
            " AND role IN ('output', 'part')"
        )
        with self._core.database.engine.connect() as connection:
            return {
                (row.target_key, row.filename)
                for row in connection.execute(statement, {"job_id": self.job_id})
            }


class DeliveryOnPostgres(Delivery):
    def __init__(self, core: Core) -> None:
        super().__init__()
        self._core = core

    def open_world(self, deadline: timedelta | None) -> World:
        self.database = PostgresWorld(self._core, deadline)
        return self.database

    @invariant()
    def only_winners_have_published(self) -> None:
        targets = {step.step_id: step.target_key for step in self.job.steps}
        assert self.database.outputs() == {
            (targets[step_id], f"{lease.lease_id}.bin") for step_id, lease in self.winners.items()
        }


def test_promises_hold_on_a_database_whatever_happens_in_whatever_order(
    database_url: str, tmp_path: Path
) -> None:
    """I1 to I5, with the rules of the pure machine."""
    with open_core(database_url, tmp_path / "artifacts") as core:

        class OnThisDatabase(DeliveryOnPostgres):
            def __init__(self) -> None:
                super().__init__(core)

        run_state_machine_as_test(
            OnThisDatabase,
            settings=settings(
                max_examples=40,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
