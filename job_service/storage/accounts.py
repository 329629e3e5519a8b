"""Tenants, and their tokens by hash."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from job_service.domain.principal import Principal, Role
from job_service.storage.tables import TENANTS, TOKENS


class SqlAccountRows:
    """Accounts as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_tenant(self, tenant_id: UUID, name: str) -> UUID:
        """Return the tenant of this name, made with this id if it was not there."""
        self._connection.execute(
            insert(TENANTS)
            .values(tenant_id=tenant_id, name=name, created_at=func.clock_timestamp())
            .on_conflict_do_nothing(index_elements=["name"])
        )
        owner: UUID = self._connection.execute(
            select(TENANTS.c.tenant_id).where(TENANTS.c.name == name)
        ).scalar_one()
        return owner

    def insert_token(
        self,
        token_id: UUID,
        tenant_id: UUID,
        role: Role,
        token_hash: bytes,
        expires_at: datetime | None,
    ) -> None:
        """Store a token's hash."""
        self._connection.execute(
            insert(TOKENS).values(
                token_id=token_id,
                tenant_id=tenant_id,
                role=role,
                token_hash=token_hash,
                created_at=func.clock_timestamp(),
                expires_at=expires_at,
            )
        )

    def find_token(self, token_hash: bytes) -> Principal | None:
        """Return the owner of a token that is neither revoked nor expired."""
        row = self._connection.execute(
            select(TOKENS.c.tenant_id, TOKENS.c.role, TOKENS.c.token_id).where(
                TOKENS.c.token_hash == token_hash,
                TOKENS.c.revoked_at.is_(None),
                or_(
                    TOKENS.c.expires_at.is_(None),
                    TOKENS.c.expires_at > func.clock_timestamp(),
                ),
            )
        ).first()
        return None if row is None else Principal(row.tenant_id, Role(row.role), row.token_id)

    def revoke(self, token_id: UUID) -> None:
        """Make a token invalid."""
        self._connection.execute(
            update(TOKENS)
            .where(TOKENS.c.token_id == token_id, TOKENS.c.revoked_at.is_(None))
            .values(revoked_at=func.clock_timestamp())
        )
