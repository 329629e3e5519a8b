"""The transition table, and the states derived from the steps."""

import itertools

import pytest

from job_service.domain.job import FINAL_STEP_STATES, JobState, StepState, TargetState
from job_service.domain.state_machine import (
    STEP_TRANSITIONS,
    IllegalTransition,
    StepTrigger,
    derive_job_state,
    derive_target_state,
    next_state,
    steps_of_target,
)
from tests.unit.job_service.domain.jobs_to_test import a_job, with_step

S, J, T = StepState, JobState, TargetState


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(StepState, StepTrigger)))
def test_transition_is_refused_when_it_is_not_in_the_table(
    state: StepState, trigger: StepTrigger
) -> None:
    if (state, trigger) in STEP_TRANSITIONS:
        assert next_state(state, trigger) is STEP_TRANSITIONS[state, trigger]
    else:
        with pytest.raises(IllegalTransition):
            next_state(state, trigger)


def test_nothing_leaves_a_final_state() -> None:
    assert not FINAL_STEP_STATES & {state for state, _ in STEP_TRANSITIONS}


def test_every_live_state_can_be_cancelled_and_expire() -> None:
    for state in set(StepState) - FINAL_STEP_STATES:
        assert next_state(state, StepTrigger.CANCEL) in {S.CANCELLED, S.CANCELLING}
        assert next_state(state, StepTrigger.EXPIRE) is S.EXPIRED


def test_every_state_is_reachable_from_the_first_ones() -> None:
    reached = {S.BLOCKED, S.PENDING}
    for _ in StepState:
        reached |= {to for (start, _), to in STEP_TRANSITIONS.items() if start in reached}
    assert reached == set(StepState)


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (S.PENDING, S.PENDING, J.PENDING),
        (S.PENDING, S.BLOCKED, J.PENDING),
        (S.PENDING, S.QUEUED, J.QUEUED),
        (S.QUEUED, S.IN_PROGRESS, J.IN_PROGRESS),
        (S.RETRY_WAIT, S.IN_PROGRESS, J.IN_PROGRESS),
        (S.RETRY_WAIT, S.QUEUED, J.RETRY_WAIT),
        (S.RETRY_WAIT, S.COMPLETED, J.RETRY_WAIT),
        (S.QUEUED, S.COMPLETED, J.IN_PROGRESS),
        (S.PENDING, S.FAILED, J.IN_PROGRESS),
        (S.COMPLETED, S.COMPLETED, J.COMPLETED),
        (S.COMPLETED, S.FAILED, J.PARTIALLY_COMPLETED),
        (S.COMPLETED, S.DEAD_LETTERED, J.PARTIALLY_COMPLETED),
        (S.FAILED, S.FAILED, J.FAILED),
        (S.FAILED, S.DEAD_LETTERED, J.DEAD_LETTERED),
        (S.COMPLETED, S.EXPIRED, J.EXPIRED),
        (S.FAILED, S.EXPIRED, J.EXPIRED),
    ],
)
def test_job_state_follows_from_the_steps(
    first: StepState, second: StepState, state: JobState
) -> None:
    for states in ((first, second), (second, first)):
        assert _derive(*states) is state


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (S.CANCELLING, S.CANCELLED, J.CANCELLING),
        (S.CANCELLING, S.COMPLETED, J.CANCELLING),
        (S.CANCELLED, S.CANCELLED, J.CANCELLED),
        (S.COMPLETED, S.CANCELLED, J.CANCELLED),
        (S.FAILED, S.CANCELLED, J.CANCELLED),
        (S.EXPIRED, S.CANCELLED, J.CANCELLED),
    ],
)
def test_cancel_names_the_job_state_when_it_was_requested(
    first: StepState, second: StepState, state: JobState
) -> None:
    assert _derive(first, second, cancel_requested=True) is state


def _derive(*states: StepState, cancel_requested: bool = False) -> JobState:
    job = a_job("pt", "es")
    for index, state in enumerate(states):
        job = with_step(job, index, state=state)
    targets = [derive_target_state([step]) for step in job.steps]
    return derive_job_state(job.steps, targets, cancel_requested=cancel_requested)


@pytest.mark.parametrize(
    ("states", "target"),
    [
        ((S.COMPLETED, S.COMPLETED), T.COMPLETED),
        ((S.COMPLETED, S.PENDING), T.ACTIVE),
        ((S.COMPLETED, S.FAILED), T.FAILED),
        ((S.IN_PROGRESS, S.DEAD_LETTERED), T.FAILED),
        ((S.EXPIRED, S.COMPLETED), T.FAILED),
        ((S.CANCELLED, S.COMPLETED), T.CANCELLED),
        ((S.CANCELLED, S.FAILED), T.FAILED),
    ],
)
def test_target_state_follows_from_its_steps(
    states: tuple[StepState, ...], target: TargetState
) -> None:
    job = a_job("pt", "es")
    for index, state in enumerate(states):
        job = with_step(job, index, state=state)
    assert derive_target_state(job.steps) is target


def test_target_is_made_by_the_shared_steps_when_it_has_none_of_its_own() -> None:
    job = with_step(a_job("pt", "es"), 1, target_key="")
    assert steps_of_target("pt", job.steps) == job.steps[:1]
    assert steps_of_target("fr", job.steps) == job.steps[1:]
