"""What accounts and the audit log need from the database: part of the unit of work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from job_service.application.job_query import Cursor
from job_service.domain.accounts import Action, AuditEntry, Tenant, TokenRecord, User
from job_service.domain.principal import Principal, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenToInsert:
    """A new token as it is stored."""

    token_id: UUID
    tenant_id: UUID
    role: Role
    token_hash: bytes
    prefix: str = ""
    user_id: UUID | None = None
    label: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQuery:
    """Which tokens are wanted; None and "" mean all."""

    tenant_id: UUID | None = None
    user_id: UUID | None = None
    prefix: str = ""
    valid_only: bool = False


class AccountRows(Protocol):
    """What every call asks: whose token it is. And what makes tokens."""

    def create_tenant(self, tenant_id: UUID, name: str) -> UUID:
        """Return the tenant of this name, made with this id if it was not there."""

    def insert_token(self, token: TokenToInsert) -> None:
        """Store a token's hash."""

    def find_token(self, token_hash: bytes) -> Principal | None:
        """Return the owner of a token that works.

        That is one neither revoked nor expired, of no disabled tenant or user.
        """

    def revoke(self, token_id: UUID) -> bool:
        """Make a token invalid; tell whether it was not yet."""


class DirectoryRows(Protocol):
    """Tenants, users and tokens as operators see them; pages are newest first."""

    def find_tenant(self, name: str) -> Tenant | None:
        """Return the tenant of this name."""

    def tenants(self, limit: int, after: Cursor | None) -> Sequence[Tenant]:
        """Return a page of tenants."""

    def disable_tenant(self, tenant_id: UUID, *, disabled: bool) -> bool:
        """Disable or enable a tenant; tell whether that changed anything."""

    def insert_user(self, user_id: UUID, tenant_id: UUID, name: str, role: Role) -> bool:
        """Store a user; False if the tenant has one of this name."""

    def find_user(self, tenant_id: UUID, name: str) -> User | None:
        """Return a tenant's user of this name."""

    def users(self, tenant_id: UUID | None, limit: int, after: Cursor | None) -> Sequence[User]:
        """Return a page of users, of one tenant or of all."""

    def disable_user(self, user_id: UUID, *, disabled: bool) -> bool:
        """Disable or enable a user; tell whether that changed anything."""

    def find_token(self, token_id: UUID) -> TokenRecord | None:
        """Return what is known of a token."""

    def tokens(self, query: TokenQuery, limit: int, after: Cursor | None) -> Sequence[TokenRecord]:
        """Return a page of tokens."""


class AuditRows(Protocol):
    """The audit log. Nothing in it can be changed."""

    def append(
        self,
        entry_id: UUID,
        action: Action,
        actor: Principal | None,
        *,
        tenant: str | None = "",
        subject: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Write an entry; without an actor it was a command of the service itself.

        None stands for the actor's own tenant.
        """

    def page(
        self,
        *,
        tenant: str,
        action: str,
        occurred_after: datetime | None,
        limit: int,
        after: Cursor | None,
    ) -> Sequence[AuditEntry]:
        """Return a page of entries, the newest first; "" and None mean all."""
