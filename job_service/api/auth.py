"""Who calls: the bearer token of a call, checked against the port's roles.

A token that was good is remembered for at most 30 seconds under its hash, so
a revoked one works no longer than that, and the database is not asked for
every call. Bad tokens are not remembered: they cost one indexed read each.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from job_service.api.threads import BoundedThreads
from job_service.domain.errors import Unauthenticated, WrongRole
from job_service.domain.principal import Principal, Role

REMEMBER_SECONDS = 30.0
"""How long a good token is taken as good without asking again."""

_MAX_TOKEN_LENGTH = 512
_SCHEME = "bearer "


class ChecksTokens(Protocol):
    """What is needed of application.tokens."""

    def authenticate(self, token: str) -> Principal:
        """Tell whose token it is. Raises Unauthenticated."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes the current call. `token_hash` never leaves the process."""

    principal: Principal
    token_hash: bytes


_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Tell who makes the call that is being served. Raises LookupError outside of one."""
    return _caller.get()


def set_current_caller(caller: Caller) -> None:
    """Set the caller for the rest of this task."""
    _caller.set(caller)


class Authenticator:
    """Checks the tokens of one port, which serves some roles."""

    def __init__(
        self,
        *,
        tokens: ChecksTokens,
        threads: BoundedThreads,
        roles: frozenset[Role],
        remember_seconds: float = REMEMBER_SECONDS,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._threads = threads
        self.roles = roles
        self.remember_seconds = remember_seconds
        self._capacity = capacity
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def authenticate(self, metadata: Iterable[tuple[str, str | bytes]]) -> Caller:
        """Tell who calls. Raises Unauthenticated, WrongRole, StorageUnavailable."""
        token = bearer_token(metadata)
        token_hash = hashlib.sha256(token.encode()).digest()
        principal = self._remembered(token_hash)
        if principal is None:
            principal = await self._threads.run(self._tokens.authenticate, token)
            self._remember(token_hash, principal)
        if principal.role not in self.roles:
            raise WrongRole(
                f"This port serves tokens of the role {names_of(self.roles)} only.",
            )
        return Caller(principal, token_hash)

    def forget(self) -> None:
        """Ask for every token anew: one may just have become invalid."""
        self._known.clear()

    def _remembered(self, token_hash: bytes) -> Principal | None:
        found = self._known.get(token_hash)
        if found is None:
            return None
        until, principal = found
        if until <= self._clock():
            del self._known[token_hash]
            return None
        return principal

    def _remember(self, token_hash: bytes, principal: Principal) -> None:
        self._known[token_hash] = (self._clock() + self.remember_seconds, principal)
        self._known.move_to_end(token_hash)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)


def names_of(roles: frozenset[Role]) -> str:
    """Name roles for people."""
    return " or ".join(sorted(roles))


def bearer_token(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Take the token from the call's metadata. Raises Unauthenticated."""
    values = [value for key, value in metadata if key == "authorization"]
    if len(values) != 1:
        raise Unauthenticated("Send the metadata `authorization: Bearer TOKEN`, once.")
    value = values[0]
    if not isinstance(value, str) or not value.lower().startswith(_SCHEME):
        raise Unauthenticated("Only the Bearer scheme is understood.")
    token = value[len(_SCHEME) :].strip()
    if not token or len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
        raise Unauthenticated
    return token
