"""The nouns of planning: a step to be, the graph of them, and what is known before any work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from job_service.domain.job import Failure, Progress

MOST_STEPS = 2_000
"""How many steps a job may come to have."""

_LONGEST_TIMEOUT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimeouts:
    """How long one attempt may take, by the kind of step; a hung one must end some day.

    Past it the worker stops the work. Large inputs get more.
    """

    extract: timedelta = timedelta(minutes=10)
    translate: timedelta = timedelta(minutes=15)
    tone: timedelta = timedelta(minutes=15)
    reconstruct: timedelta = timedelta(minutes=15)
    transcode: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a job's inputs before any work. `characters` are code points.

    Without an artifact the input is still to be fetched. `glossary_id` names
    the artifact that holds the job's terms.
    """

    artifact_id: UUID | None
    size_bytes: int = 0
    characters: int | None = None
    glossary_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step to be, without identity or time.

    A weight of 0 is that of a step which prepares: how much it is of the whole
    is not known before it has ended. With a `failure` the step is born failed.
    """

    name: str
    kind: str
    settings: dict[str, object]
    timeout: timedelta
    progress: Progress
    target_key: str = ""
    depends_on: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    weight: float = 1.0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The graph of a job's steps, and the keys of what it makes."""

    steps: tuple[PlannedStep, ...]
    target_keys: tuple[str, ...]


class ImpossiblePlan(Exception):
    """The planned steps name each other wrongly: a defect of a planner."""


def check_dependencies(steps: Sequence[PlannedStep], known: Iterable[str] = ()) -> None:
    """Make sure that every step can be reached, given those already there.

    Raises ImpossiblePlan.
    """
    reachable = set(known)
    if len({step.name for step in steps} | reachable) != len(steps) + len(reachable):
        raise ImpossiblePlan("two steps have one name")
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if reachable.issuperset((*step.depends_on, *step.awaits))]
        if not ready:
            raise ImpossiblePlan("steps wait for each other or for one that is not there")
        reachable.update(step.name for step in ready)
        waiting = [step for step in waiting if step.name not in reachable]


def grown(timeout: timedelta, size: float, usual_size: float) -> timedelta:
    """Give more time in proportion to what is larger than usual: none may fail for its size."""
    return min(timeout * max(1.0, size / usual_size), _LONGEST_TIMEOUT)
