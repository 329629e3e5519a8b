"""Refusals: how every error reaches the client, and how OpenAPI tells of them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from babelmill.client.errors import BabelmillError
from babelmill.kit.wire.status_details import FieldViolation
from gateway.problem_details import (
    MEDIA_TYPE,
    TYPE_PREFIX,
    Problem,
    ProblemError,
    from_client_error,
    problem_response,
)

_MOST_VIOLATIONS = 32
_LONGEST_FIELD = 200

_REASONS: Mapping[int, str] = {
    400: "INVALID_REQUEST",
    401: "UNAUTHENTICATED",
    403: "WRONG_ROLE",
    404: "JOB_NOT_FOUND",
    408: "BODY_TOO_SLOW",
    409: "IDEMPOTENCY_MISMATCH",
    410: "ARTIFACT_EXPIRED",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    416: "RANGE_NOT_SATISFIABLE",
    429: "TOO_MANY_WAITING_JOBS",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    507: "OUT_OF_SPACE",
}
"""A reason that is usual at each status, as an example."""
_DESCRIPTIONS: Mapping[int, str] = {
    400: "The request is wrong; see `violations`.",
    401: "There is no valid token.",
    403: "The token is of another role.",
    404: "There is no such thing in this tenant.",
    408: "The body did not arrive in time.",
    409: "The state of things does not allow it; see `reason`.",
    410: "It was kept for its time and is gone.",
    413: "The body is too large.",
    415: "The body's media type or encoding is not supported.",
    416: "The range is malformed, names several ranges, or does not exist.",
    429: "A limit is reached; wait as `Retry-After` says.",
    500: "A defect, or stored bytes are damaged; quote `trace_id`.",
    503: "The job service cannot be reached; wait as `Retry-After` says.",
    504: "The job service did not answer in time.",
    507: "There is no space left to store more.",
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_EVERYWHERE = (400, 500, 503, 504)
_WITH_TOKEN = (401, 403, 429)


# Any: FastAPI's own type of `responses`.
def refusals(*statuses: int, with_token: bool = True) -> dict[int | str, dict[str, Any]]:
    """Document the refusals of a route, besides those that every route has."""
    every = {*_EVERYWHERE, *(_WITH_TOKEN if with_token else ()), *statuses}
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": _example(status),
                }
            },
        }
        for status in sorted(every)
    }


def _example(status: int) -> dict[str, Any]:
    problem = Problem(
        type=TYPE_PREFIX + _REASONS[status],
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_DESCRIPTIONS[status],
        reason=_REASONS[status],
        metadata={},
        violations=[],
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    )
    return problem.model_dump(mode="json")


def install(app: FastAPI) -> None:
    """Answer all errors as problems."""

    async def on_client_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, BabelmillError):  # pragma: no cover - by registration
            raise error
        return problem_response(from_client_error(error))

    async def on_http_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):  # pragma: no cover - by registration
            raise error
        refused = _from_http_error(error)
        if refused.status is HTTPStatus.METHOD_NOT_ALLOWED:
            refused.headers = {"Allow": _allowed(app, request)}
        return problem_response(refused)

    async def on_invalid(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):  # pragma: no cover - by registration
            raise error
        return problem_response(_from_invalid(error))

    app.add_exception_handler(BabelmillError, on_client_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)


def _allowed(app: FastAPI, request: Request) -> str:
    """List a path's methods; the framework would name those of one route."""
    return ", ".join(
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in app.router.routes
        )
    )


def _from_http_error(error: HTTPException) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    status = HTTPStatus(error.status_code)
    reasons = {
        404: ("NO_SUCH_PATH", "There is no such path."),
        405: ("METHOD_NOT_ALLOWED", "The path does not take this method."),
    }
    reason, detail = reasons.get(error.status_code, (status.name, "The request could not be read."))
    return ProblemError(status, reason, detail, headers=error.headers)


def _from_invalid(error: RequestValidationError) -> ProblemError:
    # Any: pydantic's error entries. Neither `input` nor `ctx` is used: they
    # quote what the client sent.
    violations = []
    for entry in error.errors()[:_MOST_VIOLATIONS]:
        kind = str(entry["type"])
        message = "is not valid JSON" if kind == "json_invalid" else str(entry["msg"])
        violations.append(FieldViolation(_field_of(entry["loc"], kind), message, _reason_of(kind)))
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        "INVALID_REQUEST",
        "The request is wrong; see violations.",
        violations=violations,
    )


def _reason_of(kind: str) -> str:
    return {
        "missing": "MISSING",
        "extra_forbidden": "UNKNOWN_FIELD",
        "json_invalid": "MALFORMED_JSON",
    }.get(kind, "INVALID")


def _field_of(location: tuple[int | str, ...], kind: str) -> str:
    """Write the path as the job service does: `requests[3].spec`."""
    if kind == "json_invalid":
        return "body"
    path = ""
    for part in location[1:]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path[:_LONGEST_FIELD] or "body"
