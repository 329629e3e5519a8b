"""From a spec to steps and targets: a pure function, one planner a kind.

A step's `settings` is a JSON object whose keys depend on the step's kind:

`translate_text`: source (artifact id), source_language, target_language, engine
`transcode`:      source (artifact id), preset

An inline text becomes an artifact of its own before planning, so that a
worker finds every input in the same way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from job_service.domain.job import Progress, Step
from job_service.domain.spec import JobSpec, Transcode, TranslateText

SOURCE = "source"
"""The settings key that names the step's input artifact, for every kind."""

# A text that is longer gets more time in proportion: it may not fail for its length alone.
_TEXT_BYTES_IN_TIMEOUT = 1_000_000
_LONGEST_TIMEOUT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimeouts:
    """How long one attempt may take, by the kind of step; a hung one must end some day.

    Past it the worker stops the work. Texts of more than a megabyte get more.
    """

    translate: timedelta = timedelta(minutes=15)
    transcode: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a job's input before any work. `characters` are code points."""

    artifact_id: UUID
    size_bytes: int
    characters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step to be, without identity or time."""

    name: str
    kind: str
    settings: dict[str, object]
    timeout: timedelta
    progress: Progress
    target_key: str = ""
    depends_on: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The graph of a job's steps, and the keys of what it makes."""

    steps: tuple[PlannedStep, ...]
    target_keys: tuple[str, ...]


class ImpossiblePlan(Exception):
    """The planned steps name each other wrongly: a defect of a planner."""


def plan(spec: JobSpec, source: Source, timeouts: StepTimeouts | None = None) -> Plan:
    """Plan a job."""
    planned = _PLANNERS[spec.kind](spec, source, timeouts or StepTimeouts())
    check_dependencies(planned.steps)
    return planned


def input_artifact_ids(step: Step) -> tuple[UUID, ...]:
    """Name the artifacts that a worker needs for the step."""
    return (UUID(str(step.settings[SOURCE])),) if SOURCE in step.settings else ()


def check_dependencies(steps: Sequence[PlannedStep]) -> None:
    """Make sure that every step can be reached. Raises ImpossiblePlan."""
    if len({step.name for step in steps}) != len(steps):
        raise ImpossiblePlan("two steps have one name")
    reachable: set[str] = set()
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if reachable.issuperset(step.depends_on)]
        if not ready:
            raise ImpossiblePlan("steps wait for each other or for one that is not there")
        reachable.update(step.name for step in ready)
        waiting = [step for step in waiting if step.name not in reachable]


def _plan_translate_text(spec: JobSpec, source: Source, timeouts: StepTimeouts) -> Plan:
    if not isinstance(spec, TranslateText):
        raise TypeError(spec)
    total = float(source.characters or 0)
    steps = tuple(
        PlannedStep(
            name=f"translate[{language}]",
            kind=TranslateText.kind,
            target_key=language,
            settings={
                SOURCE: str(source.artifact_id),
                "source_language": spec.source_language,
                "target_language": language,
                "engine": spec.engine,
            },
            timeout=min(
                timeouts.translate * max(1.0, source.size_bytes / _TEXT_BYTES_IN_TIMEOUT),
                _LONGEST_TIMEOUT,
            ),
            weight=float(max(source.characters or source.size_bytes, 1)),
            progress=Progress(unit="CHARACTERS", done=0.0, total=total),
        )
        for language in spec.target_languages
    )
    return Plan(steps, spec.target_languages)


def _plan_transcode(spec: JobSpec, source: Source, timeouts: StepTimeouts) -> Plan:
    if not isinstance(spec, Transcode):
        raise TypeError(spec)
    step = PlannedStep(
        name="transcode",
        kind=Transcode.kind,
        target_key=spec.preset,
        settings={SOURCE: str(source.artifact_id), "preset": spec.preset},
        timeout=timeouts.transcode,
        progress=Progress(unit="MEDIA_SECONDS", done=0.0, total=0.0),
    )
    return Plan((step,), (spec.preset,))


_PLANNERS: Mapping[str, Callable[[JobSpec, Source, StepTimeouts], Plan]] = {
    TranslateText.kind: _plan_translate_text,
    Transcode.kind: _plan_transcode,
}
