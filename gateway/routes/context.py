"""What every route is given: the caller, the job service, the limits.

Put on the application once by its assembly; routes take them as dependencies
and know neither settings nor environment.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from babelmill.kit.wire.status_details import FieldViolation
from gateway.http.limits import Limits
from gateway.jobs_client.caller import Caller
from gateway.jobs_client.client import JobsClient
from gateway.problem_details import ProblemError

_LONGEST_TOKEN = 4096

_bearer = HTTPBearer(
    scheme_name="bearer",
    auto_error=False,
    description="A client's token of its tenant, as `Authorization: Bearer TOKEN`.",
)


@dataclass(frozen=True, slots=True)
class Context:
    """What the application was assembled with."""

    client: JobsClient
    limits: Limits
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def context_of(request: Request) -> Context:
    """Give the application's context."""
    context: Context = request.app.state.context
    return context


def caller_of(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """Pass the caller's credential on. Raises ProblemError 401 if it cannot travel."""
    if credentials is None:
        return Caller()
    token = credentials.credentials
    if len(token) > _LONGEST_TOKEN or not (token.isascii() and token.isprintable()):
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "UNAUTHENTICATED",
            "The request carries no valid token.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return Caller(f"Bearer {token}")


def only_query(*names: str) -> Callable[[Request], None]:
    """Refuse query parameters other than these: a misspelt one must not be ignored."""
    known = frozenset(names)

    def check(request: Request) -> None:
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                "INVALID_REQUEST",
                "The query has parameters that do not exist here.",
                violations=[
                    FieldViolation(name[:64], "there is no such parameter", "UNKNOWN_FIELD")
                    for name in unknown[:16]
                ],
            )

    return check


def json_only(request: Request) -> None:
    """Refuse a body of another type. Raises ProblemError 415."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "Send the body as application/json.",
        )


def json_if_any(request: Request) -> None:
    """Refuse a body of another type, where there need not be one. Raises ProblemError 415."""
    if "content-type" in request.headers:
        json_only(request)


ContextOf = Annotated[Context, Depends(context_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
