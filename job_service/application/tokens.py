"""Whose a token is, and the making of tokens. A token is kept as its hash only.

A plain sha256 is enough, because a token is 256 random bits and no password:
there is nothing to guess that a slow hash would protect. What is kept besides,
the start of it, leaves over 200 of them unknown.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from job_service.application.account_ports import TokenToInsert
from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.accounts import Action
from job_service.domain.errors import Unauthenticated
from job_service.domain.ids import uuid7
from job_service.domain.principal import Principal, Role

PREFIX_RANDOM_CHARACTERS = 6

_RANDOM_BYTES = 32
_LONGEST_TOKEN_CHARACTERS = 200
_LONGEST_START = max(len(f"babelmill_{role.value}_") for role in Role)

LONGEST_PREFIX_CHARACTERS = _LONGEST_START + PREFIX_RANDOM_CHARACTERS


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token in plain text: it can be shown once, and never be read again."""

    secret: str = field(repr=False)

    @property
    def token_hash(self) -> bytes:
        """What is kept of it."""
        return _hash(self.secret)

    @property
    def prefix(self) -> str:
        """How it starts."""
        return prefix_of(self.secret)


def new_token(role: Role) -> NewToken:
    """Make a token; its first part tells people, and scanners for leaks, what it is."""
    return NewToken(f"babelmill_{role.value}_{secrets.token_urlsafe(_RANDOM_BYTES)}")


def prefix_of(text: str) -> str:
    """Cut a token, or the start of one, to as much of it as is kept."""
    for role in Role:
        start = f"babelmill_{role.value}_"
        if text.startswith(start):
            return text[: len(start) + PREFIX_RANDOM_CHARACTERS]
    return text[:LONGEST_PREFIX_CHARACTERS]


class Tokens:
    """Checks tokens for the doors, and makes them for the commands of the service itself."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def authenticate(self, token: str) -> Principal:
        """Return the token's owner. Raises Unauthenticated."""
        if not token or len(token) > _LONGEST_TOKEN_CHARACTERS:
            raise Unauthenticated
        with self._units.read() as uow:
            principal = uow.accounts.find_token(_hash(token))
        if principal is None:
            raise Unauthenticated
        return principal

    def create_tenant(self, name: str) -> UUID:
        """Return the tenant of this name, made if it was not there."""
        with self._units.write() as uow:
            new_id = uuid7(uow.now())
            tenant_id = uow.accounts.create_tenant(new_id, name)
            if tenant_id == new_id:
                uow.audit.append(
                    uuid7(uow.now()),
                    Action.TENANT_CREATE,
                    None,
                    tenant=name,
                    subject=f"tenant/{name}",
                )
            return tenant_id

    def create_token(
        self,
        tenant_id: UUID,
        role: Role,
        expires_at: datetime | None = None,
        *,
        label: str = "",
        tenant: str = "",
    ) -> str:
        """Return a new token in plain text; `tenant` is the name for the audit log."""
        made = new_token(role)
        with self._units.write() as uow:
            token_id = uuid7(uow.now())
            uow.accounts.insert_token(
                TokenToInsert(
                    token_id=token_id,
                    tenant_id=tenant_id,
                    role=role,
                    token_hash=made.token_hash,
                    prefix=made.prefix,
                    label=label,
                    expires_at=expires_at,
                )
            )
            uow.audit.append(
                uuid7(uow.now()),
                Action.TOKEN_CREATE,
                None,
                tenant=tenant,
                subject=f"token/{token_id}",
                details={"role": role.value, "prefix": made.prefix, "label": label},
            )
        return made.secret

    def revoke_token(self, token_id: UUID) -> None:
        """Make a token invalid from now on."""
        with self._units.write() as uow:
            if uow.accounts.revoke(token_id):
                uow.audit.append(
                    uuid7(uow.now()), Action.TOKEN_REVOKE, None, subject=f"token/{token_id}"
                )


def _hash(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()
