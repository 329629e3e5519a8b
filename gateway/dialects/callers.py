"""Who calls in a dialect: `Token` or `Bearer`, and, where the operator says so, a guest.

Three of the dialects come from systems without credentials. Their clients can be
let in under one token that the operator chose; a page of another site, which a
browser would let send such a request, never is.
"""

import ipaddress
import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader
from starlette.datastructures import Headers

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
    return Caller() if guest is None or _comes_from_elsewhere(request.headers) else guest


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


def _comes_from_elsewhere(headers: Headers) -> bool:
    """Tell whether a browser sends it for a page that may not be of this origin.

    Of this origin is a page whose address is this machine's by number or `localhost`. A name
    proves nothing: its owner can make it lead here after the page was loaded from there.
    """
    site = headers.get("sec-fetch-site", "none")
    if site == "none" and "origin" not in headers:
        return False
    return site != "same-origin" or not _is_literal(headers.get("host", ""))


def _is_literal(host: str) -> bool:
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name.lower() == "localhost":
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


TokenCaller = Annotated[Caller, Depends(caller_of)]
GuestCaller = Annotated[Caller, Depends(caller_or_guest)]
OptionsOf = Annotated[DialectOptions, Depends(options_of)]
