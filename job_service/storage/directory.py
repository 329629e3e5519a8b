"""Tenants, users and tokens as operators see them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Row, Select, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from job_service.application.account_ports import TokenQuery
from job_service.application.job_query import Cursor
from job_service.domain.accounts import Tenant, TokenRecord, User
from job_service.domain.principal import Role
from job_service.storage.accounts import token_works
from job_service.storage.tables import TENANTS, TOKENS, USERS

# Any: the driver's types of a row's columns.
AnyRow = Row[Any]
AnySelect = Select[Any]


class SqlDirectoryRows:
    """The directory as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_tenant(self, name: str) -> Tenant | None:
        """Return the tenant of this name."""
        row = self._connection.execute(select(TENANTS).where(TENANTS.c.name == name)).first()
        return None if row is None else _tenant(row)

    def tenants(self, limit: int, after: Cursor | None) -> Sequence[Tenant]:
        """Return a page of tenants."""
        wanted = _page(
            select(TENANTS), TENANTS.c.created_at, TENANTS.c.tenant_id, limit=limit, after=after
        )
        return [_tenant(row) for row in self._connection.execute(wanted)]

    def disable_tenant(self, tenant_id: UUID, *, disabled: bool) -> bool:
        """Disable or enable a tenant; tell whether that changed anything."""
        return self._disable(TENANTS.c.tenant_id, tenant_id, disabled=disabled)

    def insert_user(self, user_id: UUID, tenant_id: UUID, name: str, role: Role) -> bool:
        """Store a user; False if the tenant has one of this name."""
        inserted = self._connection.execute(
            insert(USERS)
            .values(
                user_id=user_id,
                tenant_id=tenant_id,
                name=name,
                role=role,
                created_at=func.clock_timestamp(),
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "name"])
        )
        return inserted.rowcount > 0

    def find_user(self, tenant_id: UUID, name: str) -> User | None:
        """Return a tenant's user of this name."""
        row = self._connection.execute(
            _users().where(USERS.c.tenant_id == tenant_id, USERS.c.name == name)
        ).first()
        return None if row is None else _user(row)

    def users(self, tenant_id: UUID | None, limit: int, after: Cursor | None) -> Sequence[User]:
        """Return a page of users, of one tenant or of all."""
        wanted = _users()
        if tenant_id is not None:
            wanted = wanted.where(USERS.c.tenant_id == tenant_id)
        wanted = _page(wanted, USERS.c.created_at, USERS.c.user_id, limit=limit, after=after)
        return [_user(row) for row in self._connection.execute(wanted)]

    def disable_user(self, user_id: UUID, *, disabled: bool) -> bool:
        """Disable or enable a user; tell whether that changed anything."""
        return self._disable(USERS.c.user_id, user_id, disabled=disabled)

    def find_token(self, token_id: UUID) -> TokenRecord | None:
        """Return what is known of a token."""
        row = self._connection.execute(_tokens().where(TOKENS.c.token_id == token_id)).first()
        return None if row is None else _token(row)

    def tokens(self, query: TokenQuery, limit: int, after: Cursor | None) -> Sequence[TokenRecord]:
        """Return a page of tokens."""
        wanted = _tokens()
        if query.tenant_id is not None:
            wanted = wanted.where(TOKENS.c.tenant_id == query.tenant_id)
        if query.user_id is not None:
            wanted = wanted.where(TOKENS.c.user_id == query.user_id)
        if query.prefix:
            wanted = wanted.where(TOKENS.c.prefix.startswith(query.prefix, autoescape=True))
        if query.valid_only:
            wanted = wanted.where(token_works())
        wanted = _page(wanted, TOKENS.c.created_at, TOKENS.c.token_id, limit=limit, after=after)
        return [_token(row) for row in self._connection.execute(wanted)]

    def _disable(self, key: Column[UUID], value: UUID, *, disabled: bool) -> bool:
        table = key.table
        is_enabled = table.c.disabled_at.is_(None)
        changed = self._connection.execute(
            update(table)
            .where(key == value, is_enabled if disabled else ~is_enabled)
            .values(disabled_at=func.clock_timestamp() if disabled else None)
        )
        return changed.rowcount > 0


def _users() -> AnySelect:
    return select(USERS, TENANTS.c.name.label("tenant")).select_from(
        USERS.join(TENANTS, TENANTS.c.tenant_id == USERS.c.tenant_id)
    )


def _tokens() -> AnySelect:
    return (
        select(TOKENS, TENANTS.c.name.label("tenant"), USERS.c.name.label("user_name"))
        .select_from(TOKENS)
        .join(TENANTS, TENANTS.c.tenant_id == TOKENS.c.tenant_id)
        .outerjoin(USERS, USERS.c.user_id == TOKENS.c.user_id)
    )


def _page(
    wanted: AnySelect,
    created_at: Column[Any],  # Any: as the columns of a table are typed
    key: Column[Any],
    *,
    limit: int,
    after: Cursor | None,
) -> AnySelect:
    if after is not None:
        wanted = wanted.where(tuple_(created_at, key) < (after.created_at, after.job_id))
    return wanted.order_by(created_at.desc(), key.desc()).limit(limit)


def _tenant(row: AnyRow) -> Tenant:
    return Tenant(
        tenant_id=row.tenant_id,
        name=row.name,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


def _user(row: AnyRow) -> User:
    return User(
        user_id=row.user_id,
        tenant_id=row.tenant_id,
        tenant=row.tenant,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


def _token(row: AnyRow) -> TokenRecord:
    return TokenRecord(
        token_id=row.token_id,
        prefix=row.prefix,
        tenant_id=row.tenant_id,
        tenant=row.tenant,
        user=row.user_name or "",
        role=Role(row.role),
        label=row.label,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
