"""Who may call: tenants and their tokens. A token is kept as its hash only."""

from datetime import datetime
from uuid import UUID

from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.principal import Principal, Role


class Tokens:
    """Makes and checks tokens."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def authenticate(self, token: str) -> Principal:
        """Return the token's owner. Raises Unauthenticated."""
        raise NotImplementedError

    def create_tenant(self, name: str) -> UUID:
        """Return the tenant of this name, made if it was not there."""
        raise NotImplementedError

    def create_token(self, tenant_id: UUID, role: Role, expires_at: datetime | None = None) -> str:
        """Return a new token in plain text; it cannot be read again."""
        raise NotImplementedError

    def revoke_token(self, token_id: UUID) -> None:
        """Make a token invalid from now on."""
        raise NotImplementedError
