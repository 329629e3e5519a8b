"""Publishing and leases on a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from job_service.application.leasing import HeartbeatReport, LeaseDirective, LeaseRequest
from job_service.application.limits import Limits
from job_service.application.submission import NewJob
from job_service.domain.job import (
    JobState,
    Priority,
    Progress,
    StepState,
    TargetState,
)
from job_service.domain.spec import TranslateText
from tests.integration.core import WORKER, Core, open_core


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def test_job_runs_to_its_end_when_every_step_completes(core: Core) -> None:
    job = core.create("pt", "es")
    core.publish()
    assert core.job(job).state is JobState.QUEUED
    core.complete(core.start(job, 0), b"ola")
    half = core.job(job)
    assert half.state is JobState.IN_PROGRESS
    assert half.targets[0].outputs[0].inline == b"ola"
    assert half.targets[1].outputs == ()
    core.complete(core.start(job, 1), b"hola")

    done = core.job(job)
    assert done.state is JobState.COMPLETED
    assert done.progress is not None
    assert done.progress.percent == 100
    assert done.attempts == 2
    assert done.created_at < done.queued_at < done.started_at < done.finished_at  # type: ignore[operator] # all set on a finished job
    assert [target.state for target in done.targets] == [TargetState.COMPLETED] * 2
    assert [event.sequence for event in core.events(job)] == list(range(1, done.sequence + 1))


def test_taken_steps_are_not_taken_again_when_the_claim_holds(core: Core) -> None:
    core.create("pt", "es")
    assert len(core.publishing.take(10)) == 2
    assert core.publishing.take(10) == []


def test_steps_are_taken_again_when_released_or_the_claim_is_over(core: Core) -> None:
    job = core.create()
    taken = core.publishing.take(10)
    core.publishing.release(taken)
    assert core.publishing.take(10) == taken
    core.move_into_past("publish_at", core.step(job).step_id)
    assert core.publishing.take(10) == taken


def test_urgent_steps_are_taken_first_when_others_wait_longer(core: Core) -> None:
    spec = TranslateText("en", ("pt",), text="x")
    order = [Priority.LOW, Priority.NORMAL, Priority.URGENT]
    for priority in order:
        core.submission.create(core.tenant, NewJob(spec=spec, priority=priority))
    assert [core.publishing.take(1)[0].priority for _ in order] == order[::-1]


def test_no_step_is_taken_twice_when_relays_run_at_once(core: Core) -> None:
    spec = TranslateText("en", ("pt", "es", "fr"), text="x")
    core.submission.create_batch(core.tenant, [NewJob(spec=spec)] * 40)
    with ThreadPoolExecutor(6) as pool:
        rounds = pool.map(lambda _: core.publishing.take(9), range(30))
    taken = [step.step_id for batch in rounds for step in batch]
    assert len(taken) == len(set(taken)) == 120


def test_marking_changes_nothing_when_a_worker_was_faster(core: Core) -> None:
    job = core.create()
    taken = core.publishing.take(10)
    core.start(job)
    before = core.job(job)
    core.publishing.mark_published(taken)
    assert core.job(job) == before
    assert before.queued_at is not None


def test_published_step_is_taken_again_when_nobody_claims_it(core: Core) -> None:
    job = core.create()
    core.publish()
    waits = []
    for _ in range(6):
        waits.append(_seconds_to_republish(core))
        core.move_into_past("publish_at", core.step(job).step_id)
        assert core.reaper.run_once().to_republish == 1
        taken = core.publishing.take(10)
        assert [step.generation for step in taken] == [1]
        core.publishing.mark_published(taken)
    assert waits == [60, 120, 240, 480, 600, 600]
    assert core.job(job).state is JobState.QUEUED
    assert core.job(job).sequence == 3


def _seconds_to_republish(core: Core) -> int:
    with core.database.engine.connect() as connection:
        return int(
            connection.execute(
                text("SELECT round(extract(epoch FROM publish_at - clock_timestamp())) FROM steps")
            ).scalar_one()
        )


def test_every_queued_step_is_due_when_the_broker_has_lost_its_data(core: Core) -> None:
    core.create("pt", "es")
    core.publish()
    assert core.publishing.take(10) == []
    assert core.reaper.republish_all_queued() == 2
    assert len(core.publishing.take(10)) == 2


def test_lease_is_given_again_when_the_same_request_is_repeated(core: Core) -> None:
    job = core.create()
    request = LeaseRequest(core.step(job).step_id, 1, uuid4())
    first, _ = core.leasing.acquire(WORKER, [request])
    again, refused = core.leasing.acquire(WORKER, [request])
    assert not refused
    assert again[0].step == first[0].step
    assert again[0].attempt == 1
    assert core.job(job).attempts == 1


def test_lease_names_the_inputs_and_limits_when_granted(core: Core) -> None:
    job = core.create(body="grüße")
    lease = core.acquire(core.step(job))
    (source,) = lease.inputs.values()
    assert source.inline == "grüße".encode()
    assert str(source.artifact_id) == lease.step.settings["source"]
    assert lease.ttl == timedelta(seconds=30)
    assert timedelta(minutes=14) < lease.timeout <= timedelta(minutes=15)
    assert str(lease.request.lease_id) in lease.staging_prefix


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 0},
        {"generation": 2},
        {"step_id": uuid4()},
    ],
)
def test_lease_is_refused_when_the_message_is_not_the_newest(
    core: Core, change: dict[str, object]
) -> None:
    job = core.create()
    request = replace(LeaseRequest(core.step(job).step_id, 1, uuid4()), **change)  # type: ignore[arg-type] # the parameters above
    assert core.leasing.acquire(WORKER, [request]) == ([], [request])


def test_one_lease_is_granted_when_many_workers_ask_at_once(core: Core) -> None:
    job = core.create()
    step = core.step(job)
    requests = [LeaseRequest(step.step_id, 1, uuid4()) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: core.leasing.acquire(WORKER, [one]), requests))
    assert sum(len(granted) for granted, _ in answers) == 1
    assert core.job(job).attempts == 1


def test_several_leases_come_in_one_call_when_the_inputs_fit(
    database_url: str, tmp_path: Path
) -> None:
    limits = Limits(max_inline_lease_bytes=250)
    with open_core(database_url, tmp_path, limits) as core:
        jobs = [core.create(body="x" * 100) for _ in range(3)]
        requests = [LeaseRequest(core.step(job).step_id, 1, uuid4()) for job in jobs]
        stale = LeaseRequest(uuid4(), 1, uuid4())
        granted, refused = core.leasing.acquire(WORKER, [*requests, stale])
        assert [lease.request for lease in granted] == requests[:2]
        assert refused == [stale]
        granted, refused = core.leasing.acquire(WORKER, requests[2:])
        assert [lease.request for lease in granted] == requests[2:]


def test_progress_never_goes_back_when_a_retry_starts_over(core: Core) -> None:
    job = core.create(body="x" * 10)
    lease = core.start(job)
    assert core.beat(lease, _characters(8)) is LeaseDirective.CONTINUE
    core.fail(lease)
    core.move_into_past("not_before", lease.step_id)
    core.reaper.run_once()
    lease = core.start(job)
    assert lease.generation == 2
    core.beat(lease, _characters(2))
    progress = core.job(job).progress
    assert progress is not None
    assert (progress.done, progress.percent) == (8, 80)
    assert progress.eta is not None


def _characters(done: float) -> Progress:
    return Progress("CHARACTERS", done, 10, stage="translate")


def test_heartbeat_answers_each_report_when_leases_differ(core: Core) -> None:
    good, cancelled, lost = core.create(), core.create(), core.create()
    leases = [core.start(job) for job in (good, cancelled)]
    core.cancellation.cancel(core.tenant, cancelled.job_id)
    reports = [HeartbeatReport(one.step_id, one.generation, one.lease_id) for one in leases]
    reports.append(HeartbeatReport(core.step(lost).step_id, 1, uuid4()))
    assert core.leasing.heartbeat(WORKER, reports) == [
        LeaseDirective.CONTINUE,
        LeaseDirective.CANCEL,
        LeaseDirective.LOST,
    ]


def test_heartbeat_keeps_the_lease_when_it_comes_in_time(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    core.move_into_past("lease_expires_at", lease.step_id)
    core.beat(lease)
    assert core.reaper.run_once().expired_leases == 0
    assert core.step(job).state is StepState.IN_PROGRESS
