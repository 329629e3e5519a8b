"""A job's history on a real database: gap-free, append-only, final."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from job_service.domain.errors import JobFinished, StaleLease, StepCancelled
from job_service.domain.events import JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.job import FINAL_JOB_STATES, Job, JobState, Progress, StepState
from tests.integration.core import FLAKY, Core, open_core


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def test_history_tells_steps_then_targets_then_the_job(core: Core) -> None:
    job = core.create()
    core.publish()
    core.complete(core.start(job))
    facts = [event.fact for event in core.events(job)]
    assert [type(fact) for fact in facts] == [
        JobStateChanged,
        StepStateChanged,
        JobStateChanged,
        StepStateChanged,
        JobStateChanged,
        StepStateChanged,
        TargetFinished,
        JobStateChanged,
    ]
    assert facts[0] == JobStateChanged(None, JobState.PENDING)
    assert facts[-1] == JobStateChanged(JobState.IN_PROGRESS, JobState.COMPLETED)
    step = facts[5]
    assert isinstance(step, StepStateChanged)
    assert (step.previous, step.state, step.attempt) == (
        StepState.IN_PROGRESS,
        StepState.COMPLETED,
        1,
    )


def test_events_are_read_in_pages_when_there_are_many(core: Core) -> None:
    job = core.create("pt", "es", "fr")
    core.publish()
    everything = core.events(job)
    assert core.queries.events_after(job.job_id, 0, 2) == everything[:2]
    assert core.queries.events_after(job.job_id, 2, 100) == everything[2:]
    assert core.queries.list_events(core.tenant, job.job_id, len(everything), 100) == []


def test_sequence_has_no_gap_when_many_change_one_job_at_once(core: Core) -> None:
    languages = [f"l{number}" for number in range(24)]
    job = core.create(*languages)
    core.publish()

    def work(index: int) -> None:
        try:
            lease = core.start(job, index)
            core.beat(lease, Progress("CHARACTERS", 1, 5))
            if index % 3:
                core.complete(lease)
            else:
                core.fail(lease, FLAKY)
        except (StaleLease, StepCancelled, AssertionError):
            pass  # The cancel was faster; the history must be whole either way.

    def cancel() -> None:
        with suppress(JobFinished):
            core.cancellation.cancel(core.tenant, job.job_id)

    with ThreadPoolExecutor(10) as pool:
        running = [pool.submit(work, index) for index in range(len(languages))]
        running[12].result()
        pool.submit(cancel).result()
        for future in running:
            future.result()
    core.execute("UPDATE steps SET lease_expires_at = now() WHERE lease_id IS NOT NULL")
    core.reaper.run_once()
    done = core.job(job)
    events = core.events(job)
    assert done.state in FINAL_JOB_STATES
    assert [event.sequence for event in events] == list(range(1, done.sequence + 1))
    _assert_chained(events[-1].fact, done, events)


def _assert_chained(last: object, done: Job, events: list) -> None:  # type: ignore[type-arg] # events of any fact
    """Each fact starts where the one before it ended, and the final one is the last."""
    jobs = [event.fact for event in events if isinstance(event.fact, JobStateChanged)]
    assert [fact.previous for fact in jobs[1:]] == [fact.state for fact in jobs[:-1]]
    assert sum(fact.state in FINAL_JOB_STATES for fact in jobs) == 1
    assert last == jobs[-1]
    state = {step.name: StepState.PENDING for step in done.steps}
    for event in events:
        if isinstance(event.fact, StepStateChanged):
            assert event.fact.previous is state[event.fact.name]
            state[event.fact.name] = event.fact.state
    assert state == {step.name: step.state for step in done.steps}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET state = 'PENDING'",
        "UPDATE jobs SET state = 'FAILED'",
        "UPDATE steps SET state = 'PENDING'",
        "UPDATE targets SET state = 'FAILED'",
        "UPDATE job_events SET fact = '{}'",
        "DELETE FROM job_events WHERE sequence = 2",
        "UPDATE job_metrics SET cpu_seconds = 0",
        "DELETE FROM job_metrics",
    ],
)
def test_database_refuses_to_change_history_when_a_job_is_final(core: Core, statement: str) -> None:
    job = core.create()
    core.complete(core.start(job))
    core.execute(
        "INSERT INTO job_metrics (job_id, cpu_seconds, recorded_at) VALUES (:job_id, 1, now())",
        job_id=job.job_id,
    )
    before = core.job(job)
    with pytest.raises(IntegrityError, match=r"final|keeps what was written"):
        core.execute(statement)
    assert core.job(job) == before


def test_history_goes_with_its_job_when_the_job_is_deleted(core: Core) -> None:
    job, kept = core.create(), core.create()
    core.complete(core.start(job))
    core.execute("DELETE FROM jobs WHERE job_id = :job_id", job_id=job.job_id)
    with core.database.engine.connect() as connection:
        for table in ("job_events", "steps", "targets", "artifacts"):
            owners = connection.execute(text(f"SELECT DISTINCT job_id FROM {table}"))
            assert owners.scalars().all() == [kept.job_id]
