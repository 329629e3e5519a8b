"""Progress that never goes backwards."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job_service.domain.job import Job, JobState, Progress, StepState
from job_service.domain.plan import Plan
from job_service.domain.progress import advance, complete, job_progress
from tests.unit.job_service.domain.jobs_to_test import (
    NOON,
    a_job,
    a_job_of,
    a_planned_step,
    with_step,
)

LATER = NOON + timedelta(seconds=60)


def _told(done: float, total: float = 10, unit: str = "CHARACTERS") -> Progress:
    return Progress(unit, done, total)


def _of(job: Job, state: JobState = JobState.IN_PROGRESS) -> Progress:
    return job_progress(job.steps, job.progress, state=state, started_at=NOON, now=LATER)


def test_total_is_learned_when_the_worker_knows_it() -> None:
    planned = Progress("MEDIA_SECONDS", 0, 0)
    told = advance(planned, _told(30, 120, "MEDIA_SECONDS"), NOON)
    assert (told.done, told.total, told.percent) == (30, 120, 25)
    assert told.updated_at == NOON


def test_unit_is_kept_when_a_worker_counts_otherwise_half_way() -> None:
    half = advance(None, _told(5), NOON)
    assert advance(half, _told(1, 2, "PAGES"), NOON).unit == "CHARACTERS"
    assert advance(_told(0), _told(1, 2, "PAGES"), NOON).unit == "PAGES"


def test_done_is_all_when_the_step_completes() -> None:
    done = complete(advance(None, _told(5), NOON), LATER)
    assert done is not None
    assert (done.done, done.percent, done.eta) == (10, 100, None)
    assert complete(None, LATER) is None


def test_pace_is_that_of_all_running_steps_and_gone_when_they_end() -> None:
    told = advance(None, replace(_told(5), frames_per_second=24.0, speed=1.5), NOON)
    assert (told.frames_per_second, told.speed) == (24, 1.5)
    job = a_job_of(Plan((a_planned_step("one"), a_planned_step("two")), ("pt",)))
    for index in range(2):
        job = with_step(job, index, state=StepState.IN_PROGRESS, progress=told)
    assert (_of(job).frames_per_second, _of(job).speed) == (48, 3)
    done = complete(told, LATER)
    assert done is not None
    assert done.speed is None
    assert _of(with_step(job, 0, state=StepState.COMPLETED, progress=done)).speed == 1.5
    assert _of(a_job()).speed is None


_numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e6), st.integers(0, 100)
)


@given(
    st.lists(st.tuples(_numbers, _numbers, st.sampled_from(["CHARACTERS", "PAGES"])), min_size=1)
)
def test_step_never_goes_back_whatever_workers_report(
    reports: list[tuple[float, float, str]],
) -> None:
    known = _told(0)
    for done, total, unit in reports:
        told = advance(known, Progress(unit, done, total), NOON)
        assert told.percent >= known.percent
        assert told.percent < 100
        if told.unit == known.unit:
            assert told.done >= known.done
        assert told.total == 0 or told.done <= told.total
        known = told


def test_job_adds_up_its_steps_when_they_count_the_same() -> None:
    job = with_step(a_job("pt", "es"), 0, progress=_told(5))
    progress = _of(job)
    assert (progress.unit, progress.done, progress.total) == ("CHARACTERS", 5, 20)
    assert progress.percent == 25
    assert progress.eta == LATER + timedelta(seconds=180)


def test_job_weighs_its_steps_when_they_count_different_things() -> None:
    planned = Plan(
        (
            a_planned_step("a"),
            replace(a_planned_step("b"), weight=3, progress=Progress("PAGES", 0, 4)),
        ),
        (),
    )
    job = with_step(a_job_of(planned), 0, state=StepState.COMPLETED)
    progress = _of(job)
    assert (progress.unit, progress.done, progress.total) == ("STEPS", 1, 2)
    assert progress.percent == 25


def test_percent_reaches_a_hundred_only_when_the_job_has_completed() -> None:
    job = with_step(a_job(), 0, progress=_told(10))
    for state in JobState:
        percent = _of(job, state).percent
        assert percent == 100 if state is JobState.COMPLETED else percent < 100


def test_eta_is_absent_when_there_is_no_rate_or_nothing_runs() -> None:
    fresh, half = a_job(), with_step(a_job(), 0, progress=_told(5))
    assert _of(fresh).eta is None
    assert _of(half).eta is not None
    assert _of(half, JobState.RETRY_WAIT).eta is None
    assert _of(half, JobState.COMPLETED).eta is None
    not_started = job_progress(
        half.steps, half.progress, state=JobState.IN_PROGRESS, started_at=None, now=LATER
    )
    assert not_started.eta is None


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 50), st.floats(0, 50))))
def test_job_never_goes_back_whatever_its_steps_report(
    reports: list[tuple[int, float, float]],
) -> None:
    job = a_job("pt", "es")
    for index, done, total in reports:
        told = advance(job.steps[index].progress, _told(done, total), NOON)
        before = job.progress
        job = with_step(job, index, progress=told)
        job = replace(job, progress=_of(job))
        assert before is not None
        assert job.progress is not None
        assert job.progress.done >= before.done
        assert job.progress.percent >= before.percent


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_nonsense_counts_as_nothing(value: float) -> None:
    assert advance(None, _told(value, value), NOON) == Progress("CHARACTERS", 0, 0, updated_at=NOON)


def _prepared(*characters: int) -> Job:
    """A job whose extract step has found chunks, with a step that counts as one."""
    extract = replace(a_planned_step("extract"), weight=0.0, progress=Progress("UNSPECIFIED", 0, 0))
    chunks = [
        replace(
            a_planned_step(f"translate[{number}]"),
            weight=float(length),
            progress=Progress("CHARACTERS", 0, length),
        )
        for number, length in enumerate(characters)
    ]
    last = replace(a_planned_step("reconstruct"), weight=10.0, progress=Progress("STEPS", 0, 1))
    return a_job_of(Plan((extract, *chunks, *([last] if characters else ())), ()))


def test_preparing_is_worth_little_whatever_comes_after_it() -> None:
    job = with_step(_prepared(), 0, progress=_told(9, 10, "PAGES"), state=StepState.IN_PROGRESS)
    job = with_step(job, 0, progress=advance(job.steps[0].progress, _told(9, 10, "PAGES"), NOON))
    before = _of(job)
    assert (before.unit, before.done, before.total) == ("UNSPECIFIED", 0, 0)
    assert 3 < before.percent < 5
    assert before.eta is None
    grown = replace(with_step(_prepared(90, 10), 0, state=StepState.COMPLETED), progress=before)
    after = _of(grown)
    assert (after.unit, after.done, after.total) == ("CHARACTERS", 0, 100)
    assert before.percent < after.percent < 5


def test_step_that_counts_as_one_does_so_however_its_worker_counts() -> None:
    known = Progress("STEPS", 0, 1)
    half = advance(known, _told(3, 6, "PAGES"), NOON)
    assert (half.unit, half.done, half.total, half.percent) == ("STEPS", 0.5, 1, 50)
    assert advance(half, _told(1, 6, "PAGES"), NOON).done == 0.5
    assert advance(half, _told(1, 0, "PAGES"), NOON).done == 0.5


def test_characters_are_counted_once_when_other_steps_count_as_one() -> None:
    job = with_step(_prepared(90, 10), 0, state=StepState.COMPLETED)
    job = with_step(job, 1, progress=Progress("CHARACTERS", 90, 90, percent=100.0))
    job = with_step(job, 3, progress=Progress("STEPS", 0.5, 1, percent=50.0))
    progress = _of(job)
    assert (progress.unit, progress.done, progress.total) == ("CHARACTERS", 90, 100)
    assert progress.percent == pytest.approx(4 + 96 * (90 + 5) / 110)
