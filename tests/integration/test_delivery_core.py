"""Publishing, leases and outcomes on a real database."""

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
from job_service.application.outcomes import NewOutput
from job_service.application.submission import NewJob
from job_service.domain.content import digest_of
from job_service.domain.errors import InvalidRequest, StaleLease
from job_service.domain.job import (
    Digest,
    Failure,
    JobState,
    Priority,
    Progress,
    StepState,
    TargetState,
    Usage,
)
from job_service.domain.spec import TranslateText
from tests.integration.core import FLAKY, HOPELESS, WORKER, Core, open_core


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
    assert timedelta(minutes=4) < lease.timeout <= timedelta(minutes=6)
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


def test_completion_is_accepted_again_when_repeated(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    core.complete(lease)
    events = core.events(job)
    core.complete(lease)
    assert core.events(job) == events
    assert len(core.job(job).targets[0].outputs) == 1
    with pytest.raises(StaleLease):
        core.fail(lease)


def test_completion_is_stale_when_the_lease_has_expired(core: Core) -> None:
    job = core.create()
    old = core.start(job)
    core.move_into_past("lease_expires_at", old.step_id)
    core.reaper.run_once()
    new = core.start(job)
    with pytest.raises(StaleLease):
        core.complete(old, b"stale")
    assert core.beat(old) is LeaseDirective.LOST
    core.complete(new, b"fresh")
    (output,) = core.job(job).targets[0].outputs
    assert output.inline == b"fresh"


@pytest.mark.parametrize("field", ["lease_id", "generation"])
def test_outcomes_are_stale_when_the_fence_does_not_match(core: Core, field: str) -> None:
    lease = core.start(core.create())
    forged = replace(lease, **{field: uuid4() if field == "lease_id" else 7})  # type: ignore[arg-type] # the parameters above
    with pytest.raises(StaleLease):
        core.complete(forged)
    with pytest.raises(StaleLease):
        core.fail(forged)


def _output(**changes: object) -> NewOutput:
    good = NewOutput(filename="a.txt", media_type="text/plain", digest=digest_of(b"x"), inline=b"x")
    return replace(good, **changes)  # type: ignore[arg-type] # the parameters below


@pytest.mark.parametrize(
    "output",
    [
        _output(digest=digest_of(b"y")),
        _output(inline=None),
        _output(inline=b"x" * 65_537, digest=digest_of(b"x" * 65_537)),
        _output(storage_key="jobs/a"),
        _output(inline=None, storage_key="jobs/elsewhere"),
        _output(inline=None, storage_key="{prefix}/../x"),
        _output(inline=None, storage_key="{prefix}"),
        _output(filename="../etc/passwd"),
        _output(filename="a\0b"),
        _output(media_type="text"),
        _output(digest=Digest("X" * 64, 1)),
    ],
)
def test_completion_is_refused_when_an_output_is_not_what_it_says(
    core: Core, output: NewOutput
) -> None:
    job = core.create()
    lease = core.acquire(core.step(job))
    if output.storage_key:
        key = output.storage_key.format(prefix=lease.staging_prefix)
        output = replace(output, storage_key=key)
    with pytest.raises(InvalidRequest):
        core.outcomes.complete(WORKER, lease.request, [output])
    assert core.step(job).state is StepState.IN_PROGRESS


def test_stored_output_is_kept_when_it_lies_below_the_prefix(core: Core) -> None:
    job = core.create()
    lease = core.acquire(core.step(job))
    key = f"{lease.staging_prefix}/out.txt"
    core.outcomes.complete(
        WORKER, lease.request, [_output(inline=None, storage_key=key)], Usage(cpu_seconds=1.5)
    )
    done = core.job(job)
    assert done.targets[0].outputs[0].storage_key == key
    assert done.usage == Usage(cpu_seconds=1.5)


def test_step_waits_and_runs_again_when_its_failure_can_pass(core: Core) -> None:
    job = core.create()
    lease = core.start(job)
    core.fail(lease)
    core.fail(lease)
    waiting = core.job(job)
    assert waiting.state is JobState.RETRY_WAIT
    assert waiting.steps[0].application_failures == 1
    stale = LeaseRequest(lease.step_id, 1, uuid4())
    assert core.leasing.acquire(WORKER, [stale]) == ([], [stale])
    core.reaper.run_once()
    assert core.job(job).state is JobState.RETRY_WAIT
    core.move_into_past("not_before", lease.step_id)
    assert core.reaper.run_once().retried == 1
    assert core.job(job).state is JobState.PENDING
    assert core.leasing.acquire(WORKER, [stale]) == ([], [stale])
    assert [step.generation for step in core.publishing.take(10)] == [2]
    core.complete(core.start(job))
    done = core.job(job)
    assert (done.state, done.attempts, done.error) == (JobState.COMPLETED, 2, None)


def test_job_is_dead_lettered_when_five_attempts_have_failed(core: Core) -> None:
    job = core.create()
    for _ in range(5):
        lease = core.start(job)
        core.fail(lease)
        core.execute("UPDATE steps SET not_before = clock_timestamp() WHERE state = 'RETRY_WAIT'")
        core.reaper.run_once()
    dead = core.job(job)
    assert dead.state is JobState.DEAD_LETTERED
    assert dead.error == FLAKY
    assert dead.targets[0].state is TargetState.FAILED
    assert dead.attempts == 5


def test_job_fails_at_once_when_its_failure_cannot_pass(core: Core) -> None:
    job = core.create()
    core.fail(core.start(job), HOPELESS)
    failed = core.job(job)
    assert (failed.state, failed.error, failed.attempts) == (JobState.FAILED, HOPELESS, 1)


def test_job_is_partially_completed_when_one_language_fails(core: Core) -> None:
    job = core.create("pt", "es")
    core.fail(core.start(job, 0), HOPELESS)
    assert core.job(job).state is JobState.IN_PROGRESS
    core.complete(core.start(job, 1))
    done = core.job(job)
    assert done.state is JobState.PARTIALLY_COMPLETED
    assert [target.state for target in done.targets] == [
        TargetState.FAILED,
        TargetState.COMPLETED,
    ]
    assert done.targets[0].error == HOPELESS
    assert done.error == HOPELESS
    assert done.progress is not None
    assert done.progress.percent < 100


def test_step_runs_again_at_once_when_its_worker_shuts_down(core: Core) -> None:
    job = core.create()
    shutdown = Failure("WORKER_SHUTDOWN", "The worker shuts down.", retryable=True)
    for _ in range(7):
        core.fail(core.start(job), shutdown)
    step = core.step(job)
    assert (step.state, step.generation) == (StepState.PENDING, 8)
    assert (step.application_failures, step.crashes) == (0, 0)
    assert core.publishing.take(1)[0].generation == 8


def test_usage_is_summed_once_when_several_steps_measured_it(core: Core) -> None:
    job = core.create("pt", "es")
    for index, usage in enumerate(
        [
            Usage(peak_cpu_percent=50, peak_rss_bytes=10, processing_seconds=1),
            Usage(peak_cpu_percent=90, peak_rss_bytes=5, processing_seconds=2, input_bytes=3),
        ]
    ):
        core.outcomes.complete(WORKER, core.start(job, index), [_output()], usage)
    assert core.job(job).usage == Usage(
        peak_cpu_percent=90, peak_rss_bytes=10, processing_seconds=3, input_bytes=3
    )
