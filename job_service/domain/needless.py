"""Ends steps that wait and that nothing needs any more. Pure.

When one segment of a video has failed for good, the others would be encoded
only to be thrown away. Steps whose outputs are of use by themselves, such as
the translated chunks of a document, which can be read at once, go on.
"""

from collections.abc import Iterable
from datetime import datetime

from job_service.domain import attempts
from job_service.domain.job import FINAL_STEP_STATES, Step, StepState
from job_service.domain.plan_media import ENCODE_SEGMENT

_USEFUL_TO_OTHERS_ONLY = frozenset({ENCODE_SEGMENT})
_WAITING = frozenset({StepState.BLOCKED, StepState.PENDING, StepState.QUEUED, StepState.RETRY_WAIT})


def end_needless(steps: tuple[Step, ...], now: datetime) -> tuple[Step, ...]:
    """End what waits in vain; what runs is left to come to its end."""
    if not any(step.kind in _USEFUL_TO_OTHERS_ONLY and step.state in _WAITING for step in steps):
        return steps
    return tuple(
        attempts.give_up(step, cause, now)
        if step.kind in _USEFUL_TO_OTHERS_ONLY
        and step.state in _WAITING
        and (cause := _lost_cause(step, steps)) is not None
        else step
        for step in steps
    )


def _lost_cause(step: Step, steps: Iterable[Step]) -> Step | None:
    """Name a step for whose sake this one was to run, if all such have ended without success.

    Those of its own kind only wait for their turn after it.
    """
    dependents = [
        each
        for each in steps
        if each.kind != step.kind and step.name in (*each.depends_on, *each.awaits)
    ]
    if not dependents or not all(each.state in FINAL_STEP_STATES for each in dependents):
        return None
    return next((each for each in dependents if each.state is not StepState.COMPLETED), None)
