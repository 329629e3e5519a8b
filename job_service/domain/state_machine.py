"""The transition table, and how a job's and a target's state follow from the steps.

Everything that may happen to a step is one row of `STEP_TRANSITIONS`; what is
not there cannot happen. Jobs and targets have no transitions of their own:
their states are derived, so they can never disagree with the steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from job_service.domain.job import FINAL_STEP_STATES, JobState, Step, StepState, TargetState


class StepTrigger(StrEnum):
    """What can happen to a step."""

    UNBLOCK = "UNBLOCK"  # all that it depends on has completed, all that it awaits has ended
    ABANDON = "ABANDON"  # what it needs, or what needs it, will never complete
    PUBLISH = "PUBLISH"  # the broker has its message
    GRANT = "GRANT"  # a worker leases it
    COMPLETE = "COMPLETE"  # its worker reports success
    RETRY = "RETRY"  # its worker reports a failure that can pass
    REJECT = "REJECT"  # its worker reports a failure that cannot pass
    REQUEUE = "REQUEUE"  # its worker is gone or leaves; run it again at once
    EXHAUST = "EXHAUST"  # a retry budget is used up
    RETRY_DUE = "RETRY_DUE"  # the wait before its next attempt is over
    CANCEL = "CANCEL"  # the client wants it stopped
    STOPPED = "STOPPED"  # nothing of it runs any more
    EXPIRE = "EXPIRE"  # the job's deadline has passed


class IllegalTransition(Exception):
    """The step cannot do that in its state: a defect of the caller, never of a client."""

    def __init__(self, state: StepState, trigger: StepTrigger) -> None:
        super().__init__(f"{trigger} in {state}")


_S, _T = StepState, StepTrigger

STEP_TRANSITIONS: Mapping[tuple[StepState, StepTrigger], StepState] = {
    (_S.BLOCKED, _T.UNBLOCK): _S.PENDING,
    (_S.BLOCKED, _T.ABANDON): _S.FAILED,
    (_S.BLOCKED, _T.CANCEL): _S.CANCELLED,
    (_S.BLOCKED, _T.EXPIRE): _S.EXPIRED,
    (_S.PENDING, _T.PUBLISH): _S.QUEUED,
    # A worker can be faster than the relay's record that it has published.
    (_S.PENDING, _T.GRANT): _S.IN_PROGRESS,
    (_S.PENDING, _T.ABANDON): _S.FAILED,
    (_S.PENDING, _T.CANCEL): _S.CANCELLED,
    (_S.PENDING, _T.EXPIRE): _S.EXPIRED,
    (_S.QUEUED, _T.GRANT): _S.IN_PROGRESS,
    (_S.QUEUED, _T.ABANDON): _S.FAILED,
    (_S.QUEUED, _T.CANCEL): _S.CANCELLED,
    (_S.QUEUED, _T.EXPIRE): _S.EXPIRED,
    (_S.IN_PROGRESS, _T.COMPLETE): _S.COMPLETED,
    (_S.IN_PROGRESS, _T.RETRY): _S.RETRY_WAIT,
    (_S.IN_PROGRESS, _T.REJECT): _S.FAILED,
    (_S.IN_PROGRESS, _T.REQUEUE): _S.PENDING,
    (_S.IN_PROGRESS, _T.EXHAUST): _S.DEAD_LETTERED,
    (_S.IN_PROGRESS, _T.CANCEL): _S.CANCELLING,
    (_S.IN_PROGRESS, _T.EXPIRE): _S.EXPIRED,
    (_S.RETRY_WAIT, _T.RETRY_DUE): _S.PENDING,
    (_S.RETRY_WAIT, _T.ABANDON): _S.FAILED,
    (_S.RETRY_WAIT, _T.CANCEL): _S.CANCELLED,
    (_S.RETRY_WAIT, _T.EXPIRE): _S.EXPIRED,
    # The cancel was accepted first, so also a late success ends CANCELLED.
    (_S.CANCELLING, _T.COMPLETE): _S.CANCELLED,
    (_S.CANCELLING, _T.STOPPED): _S.CANCELLED,
    (_S.CANCELLING, _T.CANCEL): _S.CANCELLING,
    (_S.CANCELLING, _T.EXPIRE): _S.EXPIRED,
}

LEASED_STATES = frozenset({StepState.IN_PROGRESS, StepState.CANCELLING})
GRANTABLE_STATES = frozenset({StepState.PENDING, StepState.QUEUED})

# A job's live states by the first of these step states that is present.
_LIVE_PRECEDENCE: tuple[tuple[StepState, JobState], ...] = (
    (StepState.CANCELLING, JobState.CANCELLING),
    (StepState.IN_PROGRESS, JobState.IN_PROGRESS),
    (StepState.RETRY_WAIT, JobState.RETRY_WAIT),
)


def next_state(state: StepState, trigger: StepTrigger) -> StepState:
    """Look the transition up. Raises IllegalTransition."""
    try:
        return STEP_TRANSITIONS[state, trigger]
    except KeyError:
        raise IllegalTransition(state, trigger) from None


def steps_of_target(key: str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Name the steps that make a target: its own, or the shared ones if it has none."""
    own = tuple(step for step in steps if step.target_key == key)
    return own or tuple(step for step in steps if not step.target_key)


def derive_target_state(steps: Iterable[Step]) -> TargetState:
    """Tell a target's state from the steps that make it."""
    states = {step.state for step in steps}
    if states <= {StepState.COMPLETED}:
        return TargetState.COMPLETED
    if states & {StepState.FAILED, StepState.DEAD_LETTERED, StepState.EXPIRED}:
        return TargetState.FAILED
    if StepState.CANCELLED in states:
        return TargetState.CANCELLED
    return TargetState.ACTIVE


def derive_job_state(
    steps: Sequence[Step], targets: Iterable[TargetState], *, cancel_requested: bool
) -> JobState:
    """Tell a job's state from its steps, and from its targets once all steps are final.

    A cancel or a deadline names the final state of the whole job as soon as it
    has ended one step; targets that had completed before stay readable.
    """
    states = {step.state for step in steps}
    if states <= FINAL_STEP_STATES:
        return _final_state(states, tuple(targets), cancel_requested=cancel_requested)
    if cancel_requested:
        return JobState.CANCELLING
    for step_state, job_state in _LIVE_PRECEDENCE:
        if step_state in states:
            return job_state
    if states & FINAL_STEP_STATES:
        return JobState.IN_PROGRESS
    if StepState.QUEUED in states:
        return JobState.QUEUED
    return JobState.PENDING


def _final_state(
    states: set[StepState], targets: tuple[TargetState, ...], *, cancel_requested: bool
) -> JobState:
    if cancel_requested or StepState.CANCELLED in states:
        return JobState.CANCELLED
    if StepState.EXPIRED in states:
        return JobState.EXPIRED
    if states <= {StepState.COMPLETED}:
        return JobState.COMPLETED
    if TargetState.COMPLETED in targets:
        return JobState.PARTIALLY_COMPLETED
    if StepState.DEAD_LETTERED in states:
        return JobState.DEAD_LETTERED
    return JobState.FAILED
