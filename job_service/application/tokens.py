"""Who may call: tenants and their tokens. A token is kept as its hash only.

A plain sha256 is enough, because a token is 256 random bits and no password:
there is nothing to guess that a slow hash would protect.
"""

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.errors import Unauthenticated
from job_service.domain.ids import uuid7
from job_service.domain.principal import Principal, Role

_RANDOM_BYTES = 32
_LONGEST_TOKEN_CHARACTERS = 200


class Tokens:
    """Makes and checks tokens."""

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
            return uow.accounts.create_tenant(uuid7(uow.now()), name)

    def create_token(self, tenant_id: UUID, role: Role, expires_at: datetime | None = None) -> str:
        """Return a new token in plain text; it cannot be read again.

        Its first part tells people, and scanners for leaked secrets, what it is.
        """
        token = f"babelmill_{role.value}_{secrets.token_urlsafe(_RANDOM_BYTES)}"
        with self._units.write() as uow:
            uow.accounts.insert_token(uuid7(uow.now()), tenant_id, role, _hash(token), expires_at)
        return token

    def revoke_token(self, token_id: UUID) -> None:
        """Make a token invalid from now on."""
        with self._units.write() as uow:
            uow.accounts.revoke(token_id)


def _hash(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()
