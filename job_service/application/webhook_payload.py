"""What a webhook is sent: an event of a job as a CloudEvent 1.0, in JSON.

Its data are those of the same event over HTTP, with the job's kind and labels beside them; a test
compares the two.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from job_service.domain.events import JobEvent, JobStateChanged, StepStateChanged
from job_service.domain.job import Failure

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
SOURCE = "urn:babelmill"
PING_TYPE = "babelmill.ping"


def message_id(event: JobEvent) -> str:
    """Name an event, the same each time it is sent."""
    return f"{event.job_id}-{event.sequence}"


def event_body(
    event: JobEvent, *, job_kind: str, labels: Mapping[str, str], traceparent: str
) -> bytes:
    """Write an event."""
    kind, fact = _fact(event)
    envelope: dict[str, object] = {
        "specversion": "1.0",
        "id": message_id(event),
        "source": SOURCE,
        "type": kind,
        "subject": str(event.job_id),
        "time": _time(event.occurred_at),
        "datacontenttype": "application/json",
        # The extensions for sequences and distributed tracing.
        "sequence": f"{event.sequence:010}",
    }
    if traceparent:
        envelope["traceparent"] = traceparent
    envelope["data"] = {
        "job_id": str(event.job_id),
        "sequence": event.sequence,
        "event_time": _time(event.occurred_at),
        **fact,
        "job": {"kind": job_kind, "labels": dict(labels)},
    }
    return _json(envelope)


def ping_body(webhook_id: UUID, ping_id: str, now: datetime) -> bytes:
    """Write an event that tells of nothing."""
    return _json(
        {
            "specversion": "1.0",
            "id": ping_id,
            "source": SOURCE,
            "type": PING_TYPE,
            "subject": str(webhook_id),
            "time": _time(now),
            "datacontenttype": "application/json",
            "data": {"webhook_id": str(webhook_id)},
        }
    )


def _fact(event: JobEvent) -> tuple[str, dict[str, object]]:
    fact = event.fact
    if isinstance(fact, JobStateChanged):
        return "babelmill.job.state_changed", {
            "previous": fact.previous.lower() if fact.previous else None,
            "state": fact.state.lower(),
            "error": _failure(fact.error),
        }
    if isinstance(fact, StepStateChanged):
        return "babelmill.step.state_changed", {
            "step_id": str(fact.step_id),
            "name": fact.name,
            "previous": fact.previous.lower(),
            "state": fact.state.lower(),
            "attempt": fact.attempt,
            "error": _failure(fact.error),
        }
    return "babelmill.target.finished", {
        "key": fact.key,
        "state": fact.state.lower(),
        "error": _failure(fact.error),
    }


def _failure(failure: Failure | None) -> dict[str, object] | None:
    if failure is None:
        return None
    return {
        "reason": failure.reason,
        "message": failure.message,
        "retryable": failure.retryable,
        "retry_after_seconds": (
            None if failure.retry_after is None else failure.retry_after.total_seconds()
        ),
        "metadata": dict(failure.metadata),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
