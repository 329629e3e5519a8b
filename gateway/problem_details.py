"""Errors as RFC 9457 problem details: the one form in which the edge refuses.

A refusal of the job service keeps its reason, metadata and violations. What
has no reason was not written for clients (a transport error may name inner
addresses), so its text is replaced. No other module writes an error body.
"""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import grpc
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from babelmill.client.errors import BabelmillError
from babelmill.kit.wire.status_details import FieldViolation

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:babelmill:problem:"

_STATUS_BY_CODE: Mapping[grpc.StatusCode, HTTPStatus] = {
    grpc.StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.UNKNOWN: HTTPStatus.INTERNAL_SERVER_ERROR,
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
    grpc.StatusCode.ABORTED: HTTPStatus.CONFLICT,
    grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    grpc.StatusCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS: HTTPStatus.INTERNAL_SERVER_ERROR,
    grpc.StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
}
# Reasons that HTTP can tell more exactly than their gRPC code.
_STATUS_BY_REASON: Mapping[str, HTTPStatus] = {
    "TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "ARTIFACT_EXPIRED": HTTPStatus.GONE,
    "OUT_OF_SPACE": HTTPStatus.INSUFFICIENT_STORAGE,
}
_DETAIL_BY_CODE: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.INVALID_ARGUMENT: "The request was refused as malformed.",
    grpc.StatusCode.NOT_FOUND: "There is no such thing.",
    grpc.StatusCode.UNAUTHENTICATED: "The request carries no valid token.",
    grpc.StatusCode.PERMISSION_DENIED: "The token may not be used for this.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "A limit is reached; try again later.",
    grpc.StatusCode.UNAVAILABLE: "The job service cannot be reached; try again.",
    grpc.StatusCode.CANCELLED: "The job service dropped the call; try again.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "The job service did not answer in time.",
    grpc.StatusCode.UNIMPLEMENTED: "The job service does not know this call.",
}
_GENERIC_DETAIL = "The request could not be carried out."
_RETRY_SOON = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
_RETRY_SOON_SECONDS = 1.0


class Violation(BaseModel):
    """One wrong field of the request."""

    field: str = Field(description="Path of the field, such as `spec.transcode.preset`.")
    description: str = Field(description="What is wrong with it, for people.")
    reason: str = Field(description="What is wrong with it, for programs, in UPPER_SNAKE.")


class Problem(BaseModel):
    """An error by RFC 9457, sent as `application/problem+json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:babelmill:problem:JOB_NOT_FOUND",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no such job.",
                    "reason": "JOB_NOT_FOUND",
                    "metadata": {},
                    "violations": [],
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                }
            ]
        }
    )

    type: str = Field(description="`urn:babelmill:problem:` and the reason. Stable.")
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence for people.")
    reason: str = Field(description="Stable UPPER_SNAKE word for programs, the same as over gRPC.")
    metadata: dict[str, str] = Field(description="Further facts by name.")
    violations: list[Violation] = Field(description="The wrong fields, if any.")
    trace_id: str | None = Field(default=None, description="The request's trace, to quote.")


class ProblemError(HTTPException):
    """A refusal; becomes one problem response.

    It is an HTTPException because frameworks let those alone pass through
    their body readers.
    """

    def __init__(
        self,
        status: HTTPStatus,
        reason: str,
        detail: str,
        *,
        violations: Sequence[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status.value, detail, headers or {})
        self.status = status
        self.reason = reason
        self.violations = violations
        self.metadata = metadata or {}


def from_client_error(error: BabelmillError) -> ProblemError:
    """Make the refusal that stands for a failed call of the job service."""
    code = error.code
    reason = error.reason or code.name
    status = _STATUS_BY_REASON.get(reason) or _STATUS_BY_CODE.get(
        code, HTTPStatus.INTERNAL_SERVER_ERROR
    )
    detail = error.message if error.reason else _DETAIL_BY_CODE.get(code, _GENERIC_DETAIL)
    retry_after = error.retry_after_seconds
    if retry_after is None and code in _RETRY_SOON:
        retry_after = _RETRY_SOON_SECONDS
    headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return ProblemError(
        status,
        reason,
        detail,
        violations=error.violations,
        metadata=error.metadata,
        headers=headers,
    )


def problem_of(error: ProblemError) -> Problem:
    """Write the body of a refusal, with the trace that it happened in."""
    context = trace.get_current_span().get_span_context()
    return Problem(
        type=TYPE_PREFIX + error.reason,
        title=error.status.phrase,
        status=error.status.value,
        detail=error.detail,
        reason=error.reason,
        metadata=dict(error.metadata),
        violations=[
            Violation(field=v.field, description=v.description, reason=v.reason or "INVALID")
            for v in error.violations
        ],
        trace_id=trace.format_trace_id(context.trace_id) if context.is_valid else None,
    )


def problem_response(error: ProblemError) -> Response:
    """Build the response of a refusal."""
    return Response(
        problem_of(error).model_dump_json(exclude_none=True),
        status_code=error.status.value,
        headers={**(error.headers or {}), "Cache-Control": "no-store"},
        media_type=MEDIA_TYPE,
    )


def internal_problem() -> ProblemError:
    """Make the refusal that stands for a defect: it tells nothing but the trace."""
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", "The gateway met an error of its own."
    )
