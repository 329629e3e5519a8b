"""What is known of a job while it is watched, folded from the updates.

Pure: the reporters draw it. Steps belong to targets; what a target's steps
have done together is the target's progress.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.message import Message

from babelmill.client import ProgressTick, Snapshot, Update
from babelmill.client.jobs import state_name
from babelmill.jobs.v1 import failure_pb2, job_event_pb2, job_pb2, progress_pb2, step_pb2

StateT = TypeVar("StateT", bound=int)

_UNITS = {
    progress_pb2.PROGRESS_UNIT_CHARACTERS: "characters",
    progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS: "s of media",
    progress_pb2.PROGRESS_UNIT_PAGES: "pages",
    progress_pb2.PROGRESS_UNIT_CUES: "cues",
    progress_pb2.PROGRESS_UNIT_BYTES: "bytes",
    progress_pb2.PROGRESS_UNIT_STEPS: "steps",
}


@dataclass(slots=True)
class TargetView:
    """One target: how it stands and how much of it is done."""

    key: str
    state: job_pb2.TargetState.ValueType = job_pb2.TARGET_STATE_ACTIVE
    progress: progress_pb2.Progress = field(default_factory=progress_pb2.Progress)


class JobView:
    """The newest picture of one job."""

    def __init__(self) -> None:
        self.state: job_pb2.JobState.ValueType = job_pb2.JOB_STATE_UNSPECIFIED
        self.progress = progress_pb2.Progress()
        self.targets: dict[str, TargetView] = {}

    def apply(self, update: Update) -> None:
        """Take an update of a watch."""
        if isinstance(update, Snapshot):
            self.refresh(update.job)
        elif isinstance(update, ProgressTick):
            self._advance(update.progress)
        else:
            self._happen(update.event)

    def refresh(self, job: job_pb2.Job) -> None:
        """Take the whole job."""
        self.state = job.state
        for target in job.targets:
            view = self.targets.setdefault(target.key, TargetView(target.key))
            view.state = target.state
            view.progress = sum_of_steps(s for s in job.steps if s.target_key == target.key)
        self._advance(job.progress)

    def _advance(self, progress: progress_pb2.Progress) -> None:
        self.progress = progress
        if len(self.targets) == 1:
            (only,) = self.targets.values()
            only.progress = progress

    def _happen(self, event: job_event_pb2.JobEvent) -> None:
        fact = event.WhichOneof("fact")
        if fact == "job_state_changed":
            self.state = event.job_state_changed.state
            if self.state == job_pb2.JOB_STATE_COMPLETED:
                self._advance(whole(self.progress))
        elif fact == "target_finished":
            finished = event.target_finished
            view = self.targets.setdefault(finished.key, TargetView(finished.key))
            view.state = finished.state


def sum_of_steps(steps: Iterable[step_pb2.Step]) -> progress_pb2.Progress:
    """Add up steps that count in one unit; the first step's unit decides."""
    result = progress_pb2.Progress()
    for step in steps:
        if not result.unit:
            result.unit = step.progress.unit
        if step.progress.unit == result.unit:
            result.done += step.progress.done
            result.total += step.progress.total
            result.stage = step.progress.stage or result.stage
    result.percent = 100 * result.done / result.total if result.total > 0 else 0.0
    return result


def whole(progress: progress_pb2.Progress) -> progress_pb2.Progress:
    """Return progress as it is at a good end; the last tick comes before that."""
    ended = progress_pb2.Progress(percent=100)
    if progress.total > 0:
        ended.unit, ended.done, ended.total = progress.unit, progress.total, progress.total
    return ended


def amount(progress: progress_pb2.Progress) -> str:
    """Write how much is done, with its unit; "" while that is not known."""
    unit = _UNITS.get(progress.unit, "")
    if not unit or progress.total <= 0:
        return ""
    digits = 1 if progress.unit == progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS else 0
    speed = f" at {progress.speed:.1f}x" if progress.HasField("speed") else ""
    return f"{progress.done:.{digits}f}/{progress.total:.{digits}f} {unit}{speed}"


def seconds_left(progress: progress_pb2.Progress) -> float | None:
    """Return the seconds to the expected end, both by the service's clock."""
    if not progress.HasField("eta") or not progress.HasField("update_time"):
        return None
    left = progress.eta.ToDatetime() - progress.update_time.ToDatetime()
    return max(0.0, left.total_seconds())


def describe_event(event: job_event_pb2.JobEvent) -> str:
    """Tell an event in one line."""
    fact = event.WhichOneof("fact")
    if fact == "job_state_changed":
        change = event.job_state_changed
        return f"job {state_name(change.state)}{_because(change, change.error)}"
    if fact == "step_state_changed":
        step = event.step_state_changed
        attempt = f", attempt {step.attempt}" if step.attempt > 1 else ""
        word = _word(step_pb2.StepState.Name, step.state, "STEP_STATE_")
        return f"step {step.name} {word}{attempt}{_because(step, step.error)}"
    if fact == "target_finished":
        target = event.target_finished
        word = target_word(target.state)
        return f"target {target.key} {word}{_because(target, target.error)}"
    return "something that this version does not know"


def describe_progress(progress: progress_pb2.Progress) -> str:
    """Tell progress in one line."""
    parts = [f"{progress.percent:.1f} %", amount(progress), progress.stage]
    left = seconds_left(progress)
    if left is not None:
        parts.append(f"about {left:.0f} s left")
    return "  ".join(part for part in parts if part)


def target_word(state: job_pb2.TargetState.ValueType) -> str:
    """Return a target state's word, such as "COMPLETED"."""
    return _word(job_pb2.TargetState.Name, state, "TARGET_STATE_")


def describe_failure(failure: failure_pb2.Failure) -> str:
    """Tell a failure: its reason and message."""
    return ": ".join(part for part in (failure.reason, failure.message) if part)


def _because(fact: Message, error: failure_pb2.Failure) -> str:
    return f" ({describe_failure(error)})" if fact.HasField("error") else ""


def _word(name_of: Callable[[StateT], str], state: StateT, prefix: str) -> str:
    try:
        return name_of(state).removeprefix(prefix)
    except ValueError:  # a newer service may know more
        return f"{prefix}{state}"
