"""The AdminService through asyncio: for operators."""

from collections.abc import AsyncIterator
from datetime import datetime

from babelmill.client import accounts
from babelmill.client.async_calls import AsyncCalls
from babelmill.client.requests import Deadline, timestamp
from babelmill.jobs.v1 import account_pb2, admin_service_pb2, audit_entry_pb2


class AsyncAdmin(AsyncCalls):
    """Keeps tenants, users and tokens. All of it needs an operator's token.

    Lists are newest first and fetched page by page.
    """

    async def create_tenant(self, name: str) -> account_pb2.Tenant:
        """Make a tenant. Raises AlreadyExists."""
        request = admin_service_pb2.CreateTenantRequest(name=name)
        return (await self._call(self._admin.CreateTenant, request)).tenant

    async def tenants(self, *, page_size: int = 0) -> AsyncIterator[account_pb2.Tenant]:
        """List the tenants."""
        request = admin_service_pb2.ListTenantsRequest(page_size=page_size)
        while True:
            page = await self._call(self._admin.ListTenants, request)
            for tenant in page.tenants:
                yield tenant
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def disable_tenant(self, name: str) -> account_pb2.Tenant:
        """Make all tokens of a tenant invalid; its jobs go on. Raises NotFound."""
        request = admin_service_pb2.DisableTenantRequest(name=name)
        return (await self._call(self._admin.DisableTenant, request)).tenant

    async def enable_tenant(self, name: str) -> account_pb2.Tenant:
        """Make the tokens of a tenant valid again. Raises NotFound."""
        request = admin_service_pb2.EnableTenantRequest(name=name)
        return (await self._call(self._admin.EnableTenant, request)).tenant

    async def create_user(
        self, tenant: str, name: str, *, role: accounts.RoleName = "client"
    ) -> account_pb2.User:
        """Make a user of a tenant. Raises AlreadyExists, NotFound."""
        request = admin_service_pb2.CreateUserRequest(
            tenant=tenant, name=name, role=accounts.parse_role(role)
        )
        return (await self._call(self._admin.CreateUser, request)).user

    async def users(
        self, tenant: str = "", *, page_size: int = 0
    ) -> AsyncIterator[account_pb2.User]:
        """List the users of a tenant, or of all. Raises NotFound."""
        request = admin_service_pb2.ListUsersRequest(tenant=tenant, page_size=page_size)
        while True:
            page = await self._call(self._admin.ListUsers, request)
            for user in page.users:
                yield user
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def disable_user(self, tenant: str, name: str) -> account_pb2.User:
        """Make all tokens of a user invalid. Raises NotFound."""
        request = admin_service_pb2.DisableUserRequest(tenant=tenant, name=name)
        return (await self._call(self._admin.DisableUser, request)).user

    async def enable_user(self, tenant: str, name: str) -> account_pb2.User:
        """Make the tokens of a user valid again. Raises NotFound."""
        request = admin_service_pb2.EnableUserRequest(tenant=tenant, name=name)
        return (await self._call(self._admin.EnableUser, request)).user

    async def create_token(
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
        return await self._call(self._admin.CreateToken, request)

    async def tokens(
        self,
        tenant: str = "",
        *,
        user: str = "",
        prefix: str = "",
        valid_only: bool = False,
        page_size: int = 0,
    ) -> AsyncIterator[account_pb2.Token]:
        """List tokens, never themselves; `prefix` is how they start. Raises NotFound."""
        request = admin_service_pb2.ListTokensRequest(
            tenant=tenant, user=user, prefix=prefix, valid_only=valid_only, page_size=page_size
        )
        while True:
            page = await self._call(self._admin.ListTokens, request)
            for token in page.tokens:
                yield token
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    async def revoke_token(self, token_id: str) -> account_pb2.Token:
        """Make a token invalid for good. Raises NotFound."""
        request = admin_service_pb2.RevokeTokenRequest(token_id=token_id)
        return (await self._call(self._admin.RevokeToken, request)).token

    async def audit_entries(
        self,
        tenant: str = "",
        *,
        action: str = "",
        occurred_after: datetime | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[audit_entry_pb2.AuditEntry]:
        """List what operators and the service's own commands have done."""
        request = admin_service_pb2.ListAuditEntriesRequest(
            tenant=tenant,
            action=action,
            occurred_after=timestamp(occurred_after),
            page_size=page_size,
        )
        while True:
            page = await self._call(self._admin.ListAuditEntries, request)
            for entry in page.entries:
                yield entry
            request.page_token = page.next_page_token
            if not request.page_token:
                return
