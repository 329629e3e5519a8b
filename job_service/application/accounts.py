"""Tenants, users and tokens, kept by operators. Each change is in the audit log with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from job_service.application.account_ports import TokenQuery, TokenToInsert
from job_service.application.job_query import Cursor
from job_service.application.ports import UnitOfWork, UnitOfWorkFactory
from job_service.application.tokens import new_token, prefix_of
from job_service.domain.accounts import Action, Tenant, TokenRecord, User
from job_service.domain.errors import (
    InvalidRequest,
    OwnAccount,
    RoleTooHigh,
    TenantExists,
    TenantNotFound,
    TokenNotFound,
    UserExists,
    UserNotFound,
    Violation,
)
from job_service.domain.ids import uuid7
from job_service.domain.principal import ROLES_WITHIN, Principal, Role

T = TypeVar("T", Tenant, User, TokenRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """What a new token is to be; without a user it is the tenant's own."""

    tenant: str
    user: str = ""
    role: Role = Role.CLIENT
    label: str = ""
    expires_at: datetime | None = None


class Accounts:
    """Keeps accounts. Pages are newest first, with where the next one starts (None: no more)."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def create_tenant(self, actor: Principal, name: str) -> Tenant:
        """Make a tenant. Raises TenantExists."""
        with self._units.write() as uow:
            new_id = uuid7(uow.now())
            if uow.accounts.create_tenant(new_id, name) != new_id:
                raise TenantExists(tenant=name)
            _record_tenant(uow, Action.TENANT_CREATE, actor, name)
            return _tenant(uow, name)

    def list_tenants(
        self, page_size: int, after: Cursor | None
    ) -> tuple[list[Tenant], Cursor | None]:
        """Return a page of tenants."""
        with self._units.read() as uow:
            found = uow.directory.tenants(page_size + 1, after)
        page = list(found[:page_size])
        return page, _rest(page, found, lambda each: each.tenant_id)

    def disable_tenant(self, actor: Principal, name: str, *, disabled: bool) -> Tenant:
        """Make a tenant's tokens invalid, or valid again. Raises TenantNotFound, OwnAccount."""
        with self._units.write() as uow:
            found = _tenant(uow, name)
            if disabled and found.tenant_id == actor.tenant_id:
                raise OwnAccount
            if uow.directory.disable_tenant(found.tenant_id, disabled=disabled):
                action = Action.TENANT_DISABLE if disabled else Action.TENANT_ENABLE
                _record_tenant(uow, action, actor, name)
            return _tenant(uow, name)

    def create_user(self, actor: Principal, tenant: str, name: str, role: Role) -> User:
        """Make a user. Raises TenantNotFound, UserExists."""
        with self._units.write() as uow:
            owner = _tenant(uow, tenant)
            if not uow.directory.insert_user(uuid7(uow.now()), owner.tenant_id, name, role):
                raise UserExists(tenant=tenant, user=name)
            made = _user(uow, owner, name)
            _record_user(uow, Action.USER_CREATE, actor, made)
            return made

    def list_users(
        self, tenant: str, page_size: int, after: Cursor | None
    ) -> tuple[list[User], Cursor | None]:
        """Return a page of users, of one tenant or ("") of all. Raises TenantNotFound."""
        with self._units.read() as uow:
            tenant_id = _tenant(uow, tenant).tenant_id if tenant else None
            found = uow.directory.users(tenant_id, page_size + 1, after)
        page = list(found[:page_size])
        return page, _rest(page, found, lambda each: each.user_id)

    def disable_user(self, actor: Principal, tenant: str, name: str, *, disabled: bool) -> User:
        """Make a user's tokens invalid, or valid again.

        Raises TenantNotFound, UserNotFound, OwnAccount.
        """
        with self._units.write() as uow:
            owner = _tenant(uow, tenant)
            found = _user(uow, owner, name)
            if disabled and found.user_id == actor.user_id:
                raise OwnAccount
            if uow.directory.disable_user(found.user_id, disabled=disabled):
                action = Action.USER_DISABLE if disabled else Action.USER_ENABLE
                _record_user(uow, action, actor, found)
            return _user(uow, owner, name)

    def create_token(self, actor: Principal, order: TokenOrder) -> tuple[TokenRecord, str]:
        """Make a token; return it with its text, which cannot be read again.

        Raises TenantNotFound, UserNotFound, RoleTooHigh, InvalidRequest.
        """
        made = new_token(order.role)
        with self._units.write() as uow:
            owner = _tenant(uow, order.tenant)
            user = _user(uow, owner, order.user) if order.user else None
            if user is not None and order.role not in ROLES_WITHIN[user.role]:
                raise RoleTooHigh(user_role=user.role.value, role=order.role.value)
            now = uow.now()
            if order.expires_at is not None and order.expires_at <= now:
                raise InvalidRequest(
                    Violation("expire_time", "It is not in the future.", "IN_THE_PAST")
                )
            token_id = uuid7(now)
            uow.accounts.insert_token(
                TokenToInsert(
                    token_id=token_id,
                    tenant_id=owner.tenant_id,
                    user_id=user.user_id if user else None,
                    role=order.role,
                    token_hash=made.token_hash,
                    prefix=made.prefix,
                    label=order.label,
                    expires_at=order.expires_at,
                )
            )
            record = _token(uow, token_id)
            _record_token(uow, Action.TOKEN_CREATE, actor, record)
        return record, made.secret

    def list_tokens(
        self,
        *,
        tenant: str,
        user: str,
        prefix: str,
        valid_only: bool,
        page_size: int,
        after: Cursor | None,
    ) -> tuple[list[TokenRecord], Cursor | None]:
        """Return a page of tokens; "" means all. Raises TenantNotFound, UserNotFound."""
        with self._units.read() as uow:
            owner = _tenant(uow, tenant) if tenant else None
            query = TokenQuery(
                tenant_id=owner.tenant_id if owner else None,
                user_id=_user(uow, owner, user).user_id if owner and user else None,
                prefix=prefix_of(prefix),
                valid_only=valid_only,
            )
            found = uow.directory.tokens(query, page_size + 1, after)
        page = list(found[:page_size])
        return page, _rest(page, found, lambda each: each.token_id)

    def revoke_token(self, actor: Principal, token_id: UUID) -> TokenRecord:
        """Make a token invalid for good. Raises TokenNotFound, OwnAccount."""
        if token_id == actor.token_id:
            raise OwnAccount
        with self._units.write() as uow:
            found = _token(uow, token_id)
            if uow.accounts.revoke(token_id):
                _record_token(uow, Action.TOKEN_REVOKE, actor, found)
            return _token(uow, token_id)


def _tenant(uow: UnitOfWork, name: str) -> Tenant:
    found = uow.directory.find_tenant(name)
    if found is None:
        raise TenantNotFound(tenant=name)
    return found


def _user(uow: UnitOfWork, owner: Tenant, name: str) -> User:
    found = uow.directory.find_user(owner.tenant_id, name)
    if found is None:
        raise UserNotFound(tenant=owner.name, user=name)
    return found


def _token(uow: UnitOfWork, token_id: UUID) -> TokenRecord:
    found = uow.directory.find_token(token_id)
    if found is None:
        raise TokenNotFound(token_id=str(token_id))
    return found


def _record_tenant(uow: UnitOfWork, action: Action, actor: Principal, name: str) -> None:
    uow.audit.append(uuid7(uow.now()), action, actor, tenant=name, subject=f"tenant/{name}")


def _record_user(uow: UnitOfWork, action: Action, actor: Principal, user: User) -> None:
    uow.audit.append(
        uuid7(uow.now()),
        action,
        actor,
        tenant=user.tenant,
        subject=f"user/{user.name}",
        details={"role": user.role.value},
    )


def _record_token(uow: UnitOfWork, action: Action, actor: Principal, token: TokenRecord) -> None:
    details = {
        "role": token.role.value,
        "prefix": token.prefix,
        "user": token.user,
        "label": token.label,
        "expires_at": token.expires_at.isoformat() if token.expires_at else "",
    }
    uow.audit.append(
        uuid7(uow.now()),
        action,
        actor,
        tenant=token.tenant,
        subject=f"token/{token.token_id}",
        details={name: value for name, value in details.items() if value},
    )


def _rest(page: list[T], found: Sequence[T], key: Callable[[T], UUID]) -> Cursor | None:
    if len(found) <= len(page) or not page:
        return None
    return Cursor(page[-1].created_at, key(page[-1]))
