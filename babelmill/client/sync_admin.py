"""The AdminService through blocking calls: for operators."""

from collections.abc import Iterator
from datetime import datetime

from babelmill.client import accounts
from babelmill.client.requests import Deadline, timestamp
from babelmill.client.sync_calls import SyncCalls
from babelmill.jobs.v1 import account_pb2, admin_service_pb2, audit_entry_pb2


class SyncAdmin(SyncCalls):
    """Keeps tenants, users and tokens. All of it needs an operator's token.

    Lists are newest first and fetched page by page.
    """

    def create_tenant(self, name: str) -> account_pb2.Tenant:
        """Make a tenant. Raises AlreadyExists."""
        request = admin_service_pb2.CreateTenantRequest(name=name)
        return self._call(self._admin.CreateTenant, request).tenant

    def tenants(self, *, page_size: int = 0) -> Iterator[account_pb2.Tenant]:
        """List the tenants."""
        request = admin_service_pb2.ListTenantsRequest(page_size=page_size)
        while True:
            page = self._call(self._admin.ListTenants, request)
            yield from page.tenants
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def disable_tenant(self, name: str) -> account_pb2.Tenant:
        """Make all tokens of a tenant invalid; its jobs go on. Raises NotFound."""
        request = admin_service_pb2.DisableTenantRequest(name=name)
        return self._call(self._admin.DisableTenant, request).tenant

    def enable_tenant(self, name: str) -> account_pb2.Tenant:
        """Make the tokens of a tenant valid again. Raises NotFound."""
        request = admin_service_pb2.EnableTenantRequest(name=name)
        return self._call(self._admin.EnableTenant, request).tenant

    def create_user(
        self, tenant: str, name: str, *, role: accounts.RoleName = "client"
    ) -> account_pb2.User:
        """Make a user of a tenant. Raises AlreadyExists, NotFound."""
        request = admin_service_pb2.CreateUserRequest(
            tenant=tenant, name=name, role=accounts.parse_role(role)
        )
        return self._call(self._admin.CreateUser, request).user

    def users(self, tenant: str = "", *, page_size: int = 0) -> Iterator[account_pb2.User]:
        """List the users of a tenant, or of all. Raises NotFound."""
        request = admin_service_pb2.ListUsersRequest(tenant=tenant, page_size=page_size)
        while True:
            page = self._call(self._admin.ListUsers, request)
            yield from page.users
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def disable_user(self, tenant: str, name: str) -> account_pb2.User:
        """Make all tokens of a user invalid. Raises NotFound."""
        request = admin_service_pb2.DisableUserRequest(tenant=tenant, name=name)
        return self._call(self._admin.DisableUser, request).user

    def enable_user(self, tenant: str, name: str) -> account_pb2.User:
        """Make the tokens of a user valid again. Raises NotFound."""
        request = admin_service_pb2.EnableUserRequest(tenant=tenant, name=name)
        return self._call(self._admin.EnableUser, request).user

    def create_token(
        self,
        tenant: str,
        *,
        user: str = "",
        role: accounts.RoleName = "client",
        label: str = "",
        expires: Deadline = None,
    ) -> admin_service_pb2.CreateTokenResponse:
        """Make a token; its `secret` cannot be read again. A repeat makes another.

        Raises NotFound, and FailedPrecondition when the user may not have the role.
        """
        request = accounts.token_request(tenant, user, role, label, expires)
        return self._call(self._admin.CreateToken, request)

    def tokens(
        self,
        tenant: str = "",
        *,
        user: str = "",
        prefix: str = "",
        valid_only: bool = False,
        page_size: int = 0,
    ) -> Iterator[account_pb2.Token]:
        """List tokens, never themselves; `prefix` is how they start. Raises NotFound."""
        request = admin_service_pb2.ListTokensRequest(
            tenant=tenant, user=user, prefix=prefix, valid_only=valid_only, page_size=page_size
        )
        while True:
            page = self._call(self._admin.ListTokens, request)
            yield from page.tokens
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def revoke_token(self, token_id: str) -> account_pb2.Token:
        """Make a token invalid for good. Raises NotFound."""
        request = admin_service_pb2.RevokeTokenRequest(token_id=token_id)
        return self._call(self._admin.RevokeToken, request).token

    def audit_entries(
        self,
        tenant: str = "",
        *,
        action: str = "",
        occurred_after: datetime | None = None,
        page_size: int = 0,
    ) -> Iterator[audit_entry_pb2.AuditEntry]:
        """List what operators and the service's own commands have done."""
        request = admin_service_pb2.ListAuditEntriesRequest(
            tenant=tenant,
            action=action,
            occurred_after=timestamp(occurred_after),
            page_size=page_size,
        )
        while True:
            page = self._call(self._admin.ListAuditEntries, request)
            yield from page.entries
            request.page_token = page.next_page_token
            if not request.page_token:
                return
