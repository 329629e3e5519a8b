"""How attempts end, on a real database: outputs, failures, replays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from job_service.application.leasing import LeaseDirective, LeaseRequest
from job_service.application.outcomes import NewOutput
from job_service.domain.content import digest_of
from job_service.domain.errors import InvalidRequest, StaleLease
from job_service.domain.job import (
    Digest,
    Failure,
    JobState,
    StepState,
    TargetState,
    Usage,
)
from tests.integration.core import FLAKY, HOPELESS, WORKER, Core, open_core


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


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
    with capture_logs() as told:
        assert core.beat(old) is LeaseDirective.LOST
    assert [each["event"] for each in told] == ["lease_lost"]
    core.complete(new, b"fresh")
    (output,) = core.job(job).targets[0].outputs
    assert output.inline == b"fresh"


def test_nothing_is_told_as_lost_when_a_heartbeat_comes_behind_its_report(core: Core) -> None:
    lease = core.start(core.create())
    core.complete(lease)
    with capture_logs() as told:
        assert core.beat(lease) is LeaseDirective.LOST
    assert told == []


@pytest.mark.matrix(21)
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
    with pytest.raises(InvalidRequest):
        core.outcomes.complete(WORKER, lease.request, [_output(inline=None, storage_key=key)])
    core.store.write(key, [b"x"])
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
            Usage(
                peak_cpu_percent=50, peak_rss_bytes=10, processing_seconds=1, engine_characters=7
            ),
            Usage(
                peak_cpu_percent=90,
                peak_rss_bytes=5,
                processing_seconds=2,
                input_bytes=3,
                engine_characters=4,
                engine_tokens=9,
            ),
        ]
    ):
        core.outcomes.complete(WORKER, core.start(job, index), [_output()], usage)
    assert core.job(job).usage == Usage(
        peak_cpu_percent=90,
        peak_rss_bytes=10,
        processing_seconds=3,
        input_bytes=3,
        engine_characters=11,
        engine_tokens=9,
    )
