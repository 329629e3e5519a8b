"""Leases, outputs and outcomes between messages and what the use cases take.

A worker holds a credential, yet what it sends is checked like anything else.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

from babelmill.jobs.v1 import failure_pb2, lease_pb2, progress_pb2, usage_pb2
from job_service.api import checks
from job_service.api.job_answers import duration
from job_service.api.validation import Violations
from job_service.api.work_messages import work
from job_service.application.leasing import (
    GrantedLease,
    HeartbeatReport,
    LeaseDirective,
    LeaseRequest,
)
from job_service.application.outcomes import NewOutput
from job_service.domain.job import Digest, Failure, Progress, Usage

_NO_ID = UUID(int=0)
_MAX_MESSAGE = 1000
_MAX_STAGE = 64
_MAX_STORAGE_KEY = 512
_MAX_METADATA_ENTRIES = 16
_MAX_RETRY_AFTER = timedelta(hours=1)
_UNIT_PREFIX = "PROGRESS_UNIT_"


def lease_request(ref: lease_pb2.LeaseRef, path: str, violations: Violations) -> LeaseRequest:
    """Read a lease's fence."""
    return LeaseRequest(
        step_id=violations.check(f"{path}.step_id", lambda: checks.uuid_of(ref.step_id), _NO_ID),
        generation=violations.check(
            f"{path}.generation", lambda: checks.generation(ref.generation), 1
        ),
        lease_id=violations.check(f"{path}.lease_id", lambda: checks.uuid_of(ref.lease_id), _NO_ID),
    )


def lease_ref(request: LeaseRequest) -> lease_pb2.LeaseRef:
    """Write a lease's fence."""
    return lease_pb2.LeaseRef(
        step_id=str(request.step_id),
        generation=request.generation,
        lease_id=str(request.lease_id),
    )


def lease(granted: GrantedLease) -> lease_pb2.Lease:
    """Write a lease. Raises UnknownStepKind."""
    return lease_pb2.Lease(
        ref=lease_ref(granted.request),
        job_id=str(granted.job_id),
        step_name=granted.step.name,
        attempt=granted.attempt,
        ttl=duration(granted.ttl),
        timeout=duration(granted.timeout),
        traceparent=granted.traceparent,
        work=work(granted),
        staging_prefix=granted.staging_prefix,
    )


def directive(found: LeaseDirective) -> lease_pb2.LeaseDirective.ValueType:
    """Write what a worker must do about a lease."""
    return lease_pb2.LeaseDirective.Value(f"LEASE_DIRECTIVE_{found}")


def heartbeat_report(
    report: lease_pb2.LeaseReport, path: str, violations: Violations
) -> HeartbeatReport:
    """Read one lease's sign of life."""
    ref = lease_request(report.ref, f"{path}.ref", violations)
    progress: Progress | None = None
    if report.HasField("progress"):
        progress = _progress(report.progress, f"{path}.progress", violations)
    return HeartbeatReport(ref.step_id, ref.generation, ref.lease_id, progress)


def _progress(message: progress_pb2.Progress, path: str, violations: Violations) -> Progress:
    for name in ("done", "total", "frames_per_second", "speed"):
        value = getattr(message, name)
        if not math.isfinite(value) or value < 0:
            violations.add(f"{path}.{name}", "It must be a finite number, 0 or more.")
    return Progress(
        unit=progress_pb2.ProgressUnit.Name(message.unit).removeprefix(_UNIT_PREFIX),
        done=message.done,
        total=message.total,
        stage=violations.check(
            f"{path}.stage", lambda: checks.plain_text(message.stage, longest=_MAX_STAGE), ""
        ),
        frames_per_second=message.frames_per_second or None,
        speed=message.speed or None,
    )


def output(message: lease_pb2.StepOutput, path: str, violations: Violations) -> NewOutput:
    """Read something that an attempt has made."""
    place = message.WhichOneof("place")
    if place is None:
        violations.add(path, "Set inline or storage_key.", "REQUIRED")
    if place == "storage_key" and not 1 <= len(message.storage_key) <= _MAX_STORAGE_KEY:
        violations.add(f"{path}.storage_key", f"It must have 1 to {_MAX_STORAGE_KEY} characters.")
    return NewOutput(
        filename=violations.check(
            f"{path}.filename", lambda: checks.output_filename(message.filename), ""
        ),
        media_type=violations.check(
            f"{path}.media_type", lambda: checks.media_type(message.media_type), ""
        ),
        digest=Digest(
            sha256=violations.check(
                f"{path}.digest.sha256", lambda: checks.sha256(message.digest.sha256), ""
            ),
            size_bytes=violations.check(
                f"{path}.digest.size_bytes",
                lambda: checks.not_negative(message.digest.size_bytes),
                0,
            ),
        ),
        inline=message.inline if place == "inline" else None,
        storage_key=message.storage_key if place == "storage_key" else None,
    )


def usage(message: usage_pb2.Usage, violations: Violations) -> Usage | None:
    """Read what an attempt cost; what was not measured is None."""
    measured: dict[str, float | int] = {}
    for field, value in message.ListFields():
        if not math.isfinite(value) or value < 0:
            violations.add(f"usage.{field.name}", "It must be a finite number, 0 or more.")
        measured[field.name] = value
    if not measured:
        return None
    return Usage(
        peak_cpu_percent=_float(measured, "peak_cpu_percent"),
        peak_rss_bytes=_int(measured, "peak_rss_bytes"),
        cpu_seconds=_float(measured, "cpu_seconds"),
        processing_seconds=_float(measured, "processing_seconds"),
        input_bytes=_int(measured, "input_bytes"),
        output_bytes=_int(measured, "output_bytes"),
        engine_characters=_int(measured, "engine_characters"),
        engine_tokens=_int(measured, "engine_tokens"),
    )


def failure(message: failure_pb2.Failure, violations: Violations) -> Failure:
    """Read why an attempt failed."""
    retry_after: timedelta | None = None
    if message.HasField("retry_after"):
        # More than the service would ever wait is as good as its own limit.
        seconds = message.retry_after.seconds + message.retry_after.nanos / 1e9
        if seconds < 0:
            violations.add("failure.retry_after", "It must not be negative.")
        retry_after = timedelta(seconds=min(max(0.0, seconds), _MAX_RETRY_AFTER.total_seconds()))
    if len(message.metadata) > _MAX_METADATA_ENTRIES:
        violations.add("failure.metadata", f"It has more than {_MAX_METADATA_ENTRIES} entries.")
    return Failure(
        reason=violations.check("failure.reason", lambda: checks.name(message.reason), ""),
        message=violations.check(
            "failure.message", lambda: checks.plain_text(message.message, longest=_MAX_MESSAGE), ""
        ),
        retryable=message.retryable,
        retry_after=retry_after,
        metadata=dict(
            violations.check("failure.metadata", partial(_metadata_entry, *entry), ("", ""))
            for entry in message.metadata.items()
        ),
    )


def _metadata_entry(key: str, value: str) -> tuple[str, str]:
    return checks.name(key), checks.plain_text(value, longest=_MAX_MESSAGE)


def _float(measured: Mapping[str, float | int], name: str) -> float | None:
    return float(measured[name]) if name in measured else None


def _int(measured: Mapping[str, float | int], name: str) -> int | None:
    return int(measured[name]) if name in measured else None
