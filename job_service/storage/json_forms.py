"""How small values lie in JSONB columns, both ways.

Keys are written out and not taken from the classes: renaming a field in the
domain must not change what older rows mean. Absent keys read as defaults.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from job_service.domain.catalog import (
    Engine,
    Format,
    LanguagePair,
    RouteHop,
    WorkerAnnouncement,
)
from job_service.domain.events import Fact, JobStateChanged, StepStateChanged, TargetFinished
from job_service.domain.job import (
    Failure,
    JobState,
    Progress,
    StepState,
    TargetState,
    Usage,
)
from job_service.storage import preset_forms

# Any: a parsed JSON object of our own writing; each reader names its types.
Form = Mapping[str, Any]
NewForm = dict[str, object]

_USAGE_FIELDS = (
    "peak_cpu_percent",
    "peak_rss_bytes",
    "cpu_seconds",
    "processing_seconds",
    "input_bytes",
    "output_bytes",
    "engine_characters",
    "engine_tokens",
)
_CAPABILITIES = (
    "any_pair",
    "needs_chat_model",
    "keeps_glossary",
    "sets_tone",
    "max_batch_segments",
    "costs_money",
)


def failure_form(failure: Failure | None) -> NewForm | None:
    """Write a failure."""
    if failure is None:
        return None
    return {
        "reason": failure.reason,
        "message": failure.message,
        "retryable": failure.retryable,
        "retry_after_seconds": (
            None if failure.retry_after is None else failure.retry_after.total_seconds()
        ),
        "metadata": failure.metadata,
    }


def read_failure(form: Form | None) -> Failure | None:
    """Read a failure."""
    if form is None:
        return None
    seconds = form.get("retry_after_seconds")
    return Failure(
        reason=form["reason"],
        message=form["message"],
        retryable=form["retryable"],
        retry_after=None if seconds is None else timedelta(seconds=seconds),
        metadata=dict(form["metadata"]),
    )


def progress_form(progress: Progress | None) -> NewForm | None:
    """Write progress."""
    if progress is None:
        return None
    return {
        "unit": progress.unit,
        "done": progress.done,
        "total": progress.total,
        "percent": progress.percent,
        "stage": progress.stage,
        "eta": progress.eta.isoformat() if progress.eta else None,
        "updated_at": progress.updated_at.isoformat() if progress.updated_at else None,
        "frames_per_second": progress.frames_per_second,
        "speed": progress.speed,
    }


def read_progress(form: Form | None) -> Progress | None:
    """Read progress."""
    if form is None:
        return None
    return Progress(
        unit=form["unit"],
        done=float(form["done"]),
        total=float(form["total"]),
        percent=float(form["percent"]),
        stage=form["stage"],
        eta=_read_time(form.get("eta")),
        updated_at=_read_time(form.get("updated_at")),
        frames_per_second=form.get("frames_per_second"),
        speed=form.get("speed"),
    )


def usage_form(usage: Usage | None) -> NewForm | None:
    """Write usage; what was not measured is left out."""
    if usage is None:
        return None
    figures = {name: getattr(usage, name) for name in _USAGE_FIELDS}
    return {name: value for name, value in figures.items() if value is not None}


def read_usage(form: Form | None) -> Usage | None:
    """Read usage."""
    return None if form is None else Usage(**{name: form.get(name) for name in _USAGE_FIELDS})


def fact_form(fact: Fact) -> tuple[str, NewForm]:
    """Write an event's fact as its kind and its content."""
    if isinstance(fact, JobStateChanged):
        return "job_state_changed", {
            "previous": fact.previous,
            "state": fact.state,
            "error": failure_form(fact.error),
        }
    if isinstance(fact, StepStateChanged):
        return "step_state_changed", {
            "step_id": str(fact.step_id),
            "name": fact.name,
            "previous": fact.previous,
            "state": fact.state,
            "attempt": fact.attempt,
            "error": failure_form(fact.error),
        }
    return "target_finished", {
        "key": fact.key,
        "state": fact.state,
        "error": failure_form(fact.error),
    }


def read_fact(kind: str, form: Form) -> Fact:
    """Read an event's fact."""
    error = read_failure(form["error"])
    match kind:
        case "job_state_changed":
            previous = form["previous"]
            return JobStateChanged(
                JobState(previous) if previous else None, JobState(form["state"]), error
            )
        case "step_state_changed":
            return StepStateChanged(
                UUID(form["step_id"]),
                form["name"],
                StepState(form["previous"]),
                StepState(form["state"]),
                form["attempt"],
                error,
            )
        case "target_finished":
            return TargetFinished(form["key"], TargetState(form["state"]), error)
        case _:
            raise ValueError(f"unknown kind of event: {kind}")


def announcement_form(said: WorkerAnnouncement) -> NewForm:
    """Write what a worker says, besides who it is."""
    return {
        "step_kinds": list(said.step_kinds),
        "engines": [
            {"name": engine.name, "version": engine.version, "description": engine.description}
            for engine in said.engines
        ],
        # Beside the engines and not within: the version before reads those whole.
        "capabilities": {
            engine.name: {name: getattr(engine, name) for name in _CAPABILITIES}
            for engine in said.engines
        },
        "formats": [
            {
                "name": known.name,
                "description": known.description,
                "extensions": list(known.extensions),
                "media_types": list(known.media_types),
            }
            for known in said.formats
        ],
        "pairs": [
            {
                "source": pair.source_language,
                "target": pair.target_language,
                "hops": [
                    [hop.engine, hop.source_language, hop.target_language] for hop in pair.hops
                ],
            }
            for pair in said.pairs
        ],
        "presets": preset_forms.first_forms(said.presets),
        "media_presets": preset_forms.full_forms(said.presets),
    }


def read_announcement(worker_id: str, service: str, version: str, form: Form) -> WorkerAnnouncement:
    """Read an announcement."""
    return WorkerAnnouncement(
        worker_id=worker_id,
        service=service,
        version=version,
        step_kinds=tuple(form["step_kinds"]),
        engines=tuple(
            Engine(**engine, **form.get("capabilities", {}).get(engine["name"], {}))
            for engine in form["engines"]
        ),
        pairs=tuple(
            LanguagePair(
                pair["source"], pair["target"], tuple(RouteHop(*hop) for hop in pair["hops"])
            )
            for pair in form["pairs"]
        ),
        presets=preset_forms.read_presets(form),
        formats=tuple(
            Format(
                known["name"],
                known["description"],
                tuple(known["extensions"]),
                tuple(known["media_types"]),
            )
            for known in form.get("formats", ())
        ),
    )


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
