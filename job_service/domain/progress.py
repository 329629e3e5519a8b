"""How far a step and a job have come; never backwards, also across retries.

A step keeps the furthest that any of its attempts has reported. A job adds
its steps up where they count the same thing, and weighs them where they do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite

from job_service.domain.job import JobState, Progress, Step, StepState

STEPS_UNIT = "STEPS"
UNKNOWN_UNIT = "UNSPECIFIED"
LAST_PERCENT_BEFORE_COMPLETION = 99.9
_LONGEST_ETA = timedelta(days=365)
# What steps that only prepare are worth together, whatever comes after them.
_PREPARING_SHARE = 0.04


def advance(known: Progress | None, report: Progress, now: datetime) -> Progress:
    """Join a worker's report with what is known of its step."""
    done, total = _sane(report.done), _sane(report.total)
    if known is not None and known.unit == STEPS_UNIT and report.unit != STEPS_UNIT:
        # The step counts as one, however its worker counts within it.
        unit, total = STEPS_UNIT, known.total
        done = max(known.done, _share(done, _sane(report.total)) * total)
    elif known is None or (known.done == 0 and known.unit != report.unit):
        unit = report.unit
    elif known.unit == report.unit:
        unit = known.unit
        done, total = max(known.done, done), total or known.total
    else:
        # Counting in another unit half-way would move backwards in one of them.
        unit, done, total = known.unit, known.done, known.total
    if total:
        done = min(done, total) if known is None else max(min(done, total), known.done)
        total = max(total, done)
    return Progress(
        unit=unit,
        done=done,
        total=total,
        percent=_step_percent(done, total, known),
        stage=report.stage or (known.stage if known else ""),
        updated_at=now,
        frames_per_second=report.frames_per_second,
        speed=report.speed,
    )


def complete(known: Progress | None, now: datetime) -> Progress | None:
    """Return a completed step's progress: all of it is done."""
    if known is None:
        return None
    total = known.total or known.done
    return replace(
        known,
        done=total,
        total=total,
        percent=100.0,
        stage="",
        eta=None,
        updated_at=now,
        frames_per_second=None,
        speed=None,
    )


def job_progress(
    steps: Sequence[Step],
    known: Progress | None,
    *,
    state: JobState,
    started_at: datetime | None,
    now: datetime,
) -> Progress:
    """Work out a job's progress from its steps."""
    unit, done, total = _sum(steps)
    if known is not None and known.unit != unit and known.done > 0:
        unit, done, total = known.unit, known.done, known.total
    elif known is not None and known.unit == unit:
        done = max(done, known.done)
        total = max(total, done) if total else 0.0
    fraction = _fraction(steps, unit, done, total)
    percent = max(fraction * 100.0, known.percent if known else 0.0)
    if state is JobState.COMPLETED:
        percent, done = 100.0, total
    else:
        percent = min(percent, LAST_PERCENT_BEFORE_COMPLETION)
    return Progress(
        unit=unit,
        done=done,
        total=total,
        percent=percent,
        stage=_stage(steps),
        eta=_eta(percent / 100.0, started_at, now) if _has_rate(steps, state) else None,
        updated_at=now,
        frames_per_second=_pace(steps, lambda progress: progress.frames_per_second),
        speed=_pace(steps, lambda progress: progress.speed),
    )


def _pace(steps: Sequence[Step], figure: Callable[[Progress], float | None]) -> float | None:
    """Add up how fast the steps are that run now; None if none of them says."""
    found = [
        value
        for step in steps
        if step.state is StepState.IN_PROGRESS
        and step.progress is not None
        and (value := figure(step.progress)) is not None
    ]
    return sum(found) if found else None


def _share(done: float, total: float) -> float:
    return min(done / total, 1.0) if total else 0.0


def _sane(value: float) -> float:
    return value if isfinite(value) and value > 0 else 0.0


def _step_percent(done: float, total: float, known: Progress | None) -> float:
    percent = done / total * 100.0 if total else 0.0
    return min(max(percent, known.percent if known else 0.0), LAST_PERCENT_BEFORE_COMPLETION)


def _sum(steps: Sequence[Step]) -> tuple[str, float, float]:
    """Add the steps up in their common unit, or count the finished ones.

    Steps that count as one each, and those that only prepare, add nothing to
    the others' common unit.
    """
    counted = [step for step in steps if step.weight]
    if not counted:
        return UNKNOWN_UNIT, 0.0, 0.0
    units = {step.progress.unit if step.progress else UNKNOWN_UNIT for step in counted}
    common = units - {STEPS_UNIT}
    if len(common) == 1 and UNKNOWN_UNIT not in common:
        unit = common.pop()
        parts = [step.progress for step in counted if step.progress and step.progress.unit == unit]
        total = sum(part.total for part in parts) if all(part.total for part in parts) else 0.0
        return unit, sum(part.done for part in parts), total
    completed = sum(1.0 for step in counted if step.state is StepState.COMPLETED)
    return STEPS_UNIT, completed, float(len(counted))


def _fraction(steps: Sequence[Step], unit: str, done: float, total: float) -> float:
    preparing = [step for step in steps if not step.weight]
    if preparing:
        prepared = sum(_step_fraction(step) for step in preparing) / len(preparing)
        return _PREPARING_SHARE * prepared + (1 - _PREPARING_SHARE) * _weighed(steps)
    if unit != STEPS_UNIT and total:
        return done / total
    return _weighed(steps)


def _weighed(steps: Sequence[Step]) -> float:
    weight = sum(step.weight for step in steps)
    if not weight:
        return 0.0
    return sum(step.weight * _step_fraction(step) for step in steps) / weight


def _step_fraction(step: Step) -> float:
    if step.state is StepState.COMPLETED:
        return 1.0
    return step.progress.percent / 100.0 if step.progress else 0.0


def _stage(steps: Sequence[Step]) -> str:
    """Name what runs now: the stage of the first step that runs."""
    for step in steps:
        if step.state is StepState.IN_PROGRESS and step.progress:
            return step.progress.stage
    return ""


def _has_rate(steps: Sequence[Step], state: JobState) -> bool:
    # While only preparing steps run, how much there is to do is not known.
    return state is JobState.IN_PROGRESS and any(step.weight for step in steps)


def _eta(fraction: float, started_at: datetime | None, now: datetime) -> datetime | None:
    """Extend the rate since the start; None while nothing is done yet."""
    if started_at is None or fraction <= 0 or now <= started_at:
        return None
    left = (now - started_at).total_seconds() * (1 - fraction) / fraction
    return now + timedelta(seconds=left) if left < _LONGEST_ETA.total_seconds() else None
