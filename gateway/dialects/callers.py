"""Who calls in a dialect: `Token` or `Bearer`, and, where the operator says so, a guest.

Three of the dialects come from systems without credentials. Their clients can be
let in under one token that the operator chose; a page of another site, which a
browser would let send such a request, never is.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from gateway.dialects.options import DialectOptions
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError

_LONGEST_TOKEN = 4096
_SCHEMES = frozenset({"token", "bearer"})

_authorization = APIKeyHeader(
    name="Authorization",
    scheme_name="token",
    auto_error=False,
    description="`Token TOKEN` or `Bearer TOKEN`, of a client.",
)


def options_of(request: Request) -> DialectOptions:
    """Give what the application was assembled with."""
    options: DialectOptions = request.app.state.dialects
    return options


def caller_of(authorization: Annotated[str | None, Security(_authorization)]) -> Caller:
    """Pass the caller's credential on. Raises ProblemError 401 if it cannot travel."""
    return _read(authorization) if authorization else Caller()


def caller_or_guest(
    request: Request,
    authorization: Annotated[str | None, Security(_authorization)],
) -> Caller:
    """Pass the caller's credential on, or the guest's if there is none."""
    if authorization:
        return _read(authorization)
    guest = options_of(request).guest
    return Caller() if guest is None or _comes_from_a_page(request) else guest


def _read(authorization: str) -> Caller:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    is_token = 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isprintable()
    if scheme.lower() not in _SCHEMES or not is_token:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "UNAUTHENTICATED",
            "The request carries no valid token.",
            headers={"WWW-Authenticate": "Token"},
        )
    return Caller(f"Bearer {token}")


def _comes_from_a_page(request: Request) -> bool:
    """Tell whether a browser sends it for a page that is not of this origin."""
    site = request.headers.get("sec-fetch-site", "none")
    return site not in ("none", "same-origin") or (
        "origin" in request.headers and site != "same-origin"
    )


TokenCaller = Annotated[Caller, Depends(caller_of)]
GuestCaller = Annotated[Caller, Depends(caller_or_guest)]
OptionsOf = Annotated[DialectOptions, Depends(options_of)]
