"""Whose a token is, and what makes tokens. They are kept by hash."""

from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from job_service.application.account_ports import TokenToInsert
from job_service.domain.principal import Principal, Role
from job_service.storage.tables import TENANTS, TOKENS, USERS


def token_works() -> ColumnElement[bool]:
    """Give the condition on tokens that are joined with their tenant and user."""
    return and_(
        TOKENS.c.revoked_at.is_(None),
        or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > func.clock_timestamp()),
        TENANTS.c.disabled_at.is_(None),
        USERS.c.disabled_at.is_(None),
    )


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

    def insert_token(self, token: TokenToInsert) -> None:
        """Store a token's hash."""
        self._connection.execute(
            insert(TOKENS).values(
                token_id=token.token_id,
                tenant_id=token.tenant_id,
                user_id=token.user_id,
                role=token.role,
                token_hash=token.token_hash,
                prefix=token.prefix,
                label=token.label,
                created_at=func.clock_timestamp(),
                expires_at=token.expires_at,
            )
        )

    def find_token(self, token_hash: bytes) -> Principal | None:
        """Return the owner of a token that works."""
        row = self._connection.execute(
            select(TOKENS.c.tenant_id, TOKENS.c.role, TOKENS.c.token_id, TOKENS.c.user_id)
            .join(TENANTS, TENANTS.c.tenant_id == TOKENS.c.tenant_id)
            .outerjoin(USERS, USERS.c.user_id == TOKENS.c.user_id)
            .where(TOKENS.c.token_hash == token_hash, token_works())
        ).first()
        if row is None:
            return None
        return Principal(row.tenant_id, Role(row.role), row.token_id, row.user_id)

    def revoke(self, token_id: UUID) -> bool:
        """Make a token invalid; tell whether it was not yet."""
        revoked = self._connection.execute(
            update(TOKENS)
            .where(TOKENS.c.token_id == token_id, TOKENS.c.revoked_at.is_(None))
            .values(revoked_at=func.clock_timestamp())
        )
        return revoked.rowcount > 0
