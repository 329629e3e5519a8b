"""Errors on the wire: google.rpc details in, google.rpc details out.

A server writes one ErrorDetails, a client reads one, and neither builds
protobuf details by hand. What a peer sends may be malformed: then the plain
status code and message are all there is.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "babelmill"

_DETAILS_KEY = "grpc-status-details-bin"
_MAX_RETRY_AFTER_SECONDS = 315_576_000_000.0  # the range of google.protobuf.Duration
_NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field, named by its path in the request."""

    field: str
    description: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """A gRPC error with what a program needs to act on it."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[FieldViolation, ...] = ()
    retry_after_seconds: float | None = None
    quota_subject: str = ""


def to_rpc_status(details: ErrorDetails) -> grpc.Status:
    """Build the status for `context.abort_with_status`, sync or aio."""
    status = status_pb2.Status(code=details.code.value[0], message=details.message)
    for message in _detail_messages(details):
        status.details.add().Pack(message)
    return rpc_status.to_status(status)


def from_rpc_error(error: grpc.RpcError) -> ErrorDetails:
    """Read an error of a call, sync or aio; details that cannot be read are left out."""
    code, message = _code_of(error), _message_of(error)
    status = _status_of(error, code)
    return ErrorDetails(code, message) if status is None else _unpack(code, message, status.details)


def _detail_messages(details: ErrorDetails) -> Iterable[Message]:
    if details.reason:
        yield error_details_pb2.ErrorInfo(
            reason=details.reason, domain=DOMAIN, metadata=dict(details.metadata)
        )
    if details.violations:
        yield error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=v.field, description=v.description, reason=v.reason
                )
                for v in details.violations
            ]
        )
    if details.retry_after_seconds is not None:
        yield error_details_pb2.RetryInfo(retry_delay=_duration(details.retry_after_seconds))
    if details.quota_subject:
        yield error_details_pb2.QuotaFailure(
            violations=[
                error_details_pb2.QuotaFailure.Violation(
                    subject=details.quota_subject, description=details.message
                )
            ]
        )


def _duration(seconds: float) -> duration_pb2.Duration:
    bounded = min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)
    nanos, whole = math.modf(bounded)
    return duration_pb2.Duration(seconds=int(whole), nanos=min(int(nanos * _NANOS), _NANOS - 1))


def _code_of(error: grpc.RpcError) -> grpc.StatusCode:
    code = getattr(error, "code", None)
    value = code() if callable(code) else None
    return value if isinstance(value, grpc.StatusCode) else grpc.StatusCode.UNKNOWN


def _message_of(error: grpc.RpcError) -> str:
    text = getattr(error, "details", None)
    value = text() if callable(text) else None
    return value if isinstance(value, str) else ""


def _status_of(error: grpc.RpcError, code: grpc.StatusCode) -> status_pb2.Status | None:
    trailing = getattr(error, "trailing_metadata", None)
    metadata = trailing() if callable(trailing) else None
    for key, value in metadata or ():
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        try:
            status = status_pb2.Status.FromString(value)
        except DecodeError:
            return None
        return status if status.code == code.value[0] else None
    return None


def _unpack(code: grpc.StatusCode, message: str, packed: Iterable[any_pb2.Any]) -> ErrorDetails:
    reason, quota_subject, retry_after = "", "", None
    metadata: dict[str, str] = {}
    violations: list[FieldViolation] = []
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    quota = error_details_pb2.QuotaFailure()
    for detail in packed:
        try:
            if detail.Unpack(info):
                reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                violations += [
                    FieldViolation(v.field, v.description, v.reason) for v in bad.field_violations
                ]
            elif detail.Unpack(retry):
                delay = retry.retry_delay
                retry_after = max(0.0, delay.seconds + delay.nanos / _NANOS)
            elif detail.Unpack(quota):
                quota_subject = quota.violations[0].subject if quota.violations else ""
        except DecodeError:
            continue
    return ErrorDetails(
        code, message, reason, metadata, tuple(violations), retry_after, quota_subject
    )
