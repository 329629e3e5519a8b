"""AdminService for operators: check, map, call the use case, map back."""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from google.protobuf.message import Message
from typing_extensions import override

from babelmill.jobs.v1 import account_pb2, admin_service_pb2, admin_service_pb2_grpc
from job_service.api import account_checks, checks
from job_service.api.account_answers import audit_entry, tenant, token, user
from job_service.api.auth import current_caller
from job_service.api.page_tokens import seal, unseal
from job_service.api.threads import BoundedThreads
from job_service.api.validation import Violations, field
from job_service.application.accounts import Accounts, TokenOrder
from job_service.application.auditing import Auditing
from job_service.application.job_query import Cursor
from job_service.domain.principal import Principal, Role

_DEFAULT_PAGE, _LARGEST_PAGE = 50, 500
_LONGEST_ACTION = 64


class AdminServicer(admin_service_pb2_grpc.AdminServiceServicer):
    """Serves operators. `on_invalid` is told when a token may have become invalid."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        auditing: Auditing,
        threads: BoundedThreads,
        on_invalid: Callable[[], None],
    ) -> None:
        self._accounts = accounts
        self._auditing = auditing
        self._threads = threads
        self._on_invalid = on_invalid

    @override
    async def CreateTenant(
        self,
        request: admin_service_pb2.CreateTenantRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.CreateTenantResponse:
        """Make a tenant."""
        with field("name"):
            name = account_checks.new_tenant_name(request.name)
        made = await self._threads.run(self._accounts.create_tenant, _actor(), name)
        return admin_service_pb2.CreateTenantResponse(tenant=tenant(made))

    @override
    async def ListTenants(
        self,
        request: admin_service_pb2.ListTenantsRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.ListTenantsResponse:
        """Return a page of tenants."""
        size, after, wanted = _page(request)
        found, rest = await self._threads.run(self._accounts.list_tenants, size, after)
        return admin_service_pb2.ListTenantsResponse(
            tenants=[tenant(each) for each in found], next_page_token=_next(rest, wanted)
        )

    @override
    async def DisableTenant(
        self,
        request: admin_service_pb2.DisableTenantRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.DisableTenantResponse:
        """Make a tenant's tokens invalid."""
        changed = await self._switch_tenant(request.name, disabled=True)
        return admin_service_pb2.DisableTenantResponse(tenant=changed)

    @override
    async def EnableTenant(
        self,
        request: admin_service_pb2.EnableTenantRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.EnableTenantResponse:
        """Make a tenant's tokens valid again."""
        changed = await self._switch_tenant(request.name, disabled=False)
        return admin_service_pb2.EnableTenantResponse(tenant=changed)

    @override
    async def CreateUser(
        self,
        request: admin_service_pb2.CreateUserRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.CreateUserResponse:
        """Make a user."""
        violations = Violations()
        owner = violations.check("tenant", lambda: account_checks.known_name(request.tenant), "")
        name = violations.check("name", lambda: account_checks.new_user_name(request.name), "")
        role = violations.check(
            "role", lambda: account_checks.role_of_user(request.role), Role.CLIENT
        )
        violations.raise_if_any()
        made = await self._threads.run(self._accounts.create_user, _actor(), owner, name, role)
        return admin_service_pb2.CreateUserResponse(user=user(made))

    @override
    async def ListUsers(
        self,
        request: admin_service_pb2.ListUsersRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.ListUsersResponse:
        """Return a page of users."""
        with field("tenant"):
            owner = account_checks.known_name(request.tenant, required=False)
        size, after, wanted = _page(request)
        found, rest = await self._threads.run(self._accounts.list_users, owner, size, after)
        return admin_service_pb2.ListUsersResponse(
            users=[user(each) for each in found], next_page_token=_next(rest, wanted)
        )

    @override
    async def DisableUser(
        self,
        request: admin_service_pb2.DisableUserRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.DisableUserResponse:
        """Make a user's tokens invalid."""
        changed = await self._switch_user(request.tenant, request.name, disabled=True)
        return admin_service_pb2.DisableUserResponse(user=changed)

    @override
    async def EnableUser(
        self,
        request: admin_service_pb2.EnableUserRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.EnableUserResponse:
        """Make a user's tokens valid again."""
        changed = await self._switch_user(request.tenant, request.name, disabled=False)
        return admin_service_pb2.EnableUserResponse(user=changed)

    @override
    async def CreateToken(
        self,
        request: admin_service_pb2.CreateTokenRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.CreateTokenResponse:
        """Make a token, and show it this once."""
        order = _token_order(request)
        made, secret = await self._threads.run(self._accounts.create_token, _actor(), order)
        return admin_service_pb2.CreateTokenResponse(token=token(made), secret=secret)

    @override
    async def ListTokens(
        self,
        request: admin_service_pb2.ListTokensRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.ListTokensResponse:
        """Return a page of tokens."""
        with field("tenant"):
            owner = account_checks.known_name(request.tenant, required=bool(request.user))
        with field("user"):
            name = account_checks.known_name(request.user, required=False)
        with field("prefix"):
            prefix = account_checks.known_name(request.prefix, required=False)
        size, after, wanted = _page(request)
        found, rest = await self._threads.run(
            self._accounts.list_tokens,
            tenant=owner,
            user=name,
            prefix=prefix,
            valid_only=request.valid_only,
            page_size=size,
            after=after,
        )
        return admin_service_pb2.ListTokensResponse(
            tokens=[token(each) for each in found], next_page_token=_next(rest, wanted)
        )

    @override
    async def RevokeToken(
        self,
        request: admin_service_pb2.RevokeTokenRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.RevokeTokenResponse:
        """Make a token invalid for good."""
        with field("token_id"):
            token_id = checks.uuid_of(request.token_id)
        with self._forgetting():
            revoked = await self._threads.run(self._accounts.revoke_token, _actor(), token_id)
        return admin_service_pb2.RevokeTokenResponse(token=token(revoked))

    @override
    async def ListAuditEntries(
        self,
        request: admin_service_pb2.ListAuditEntriesRequest,
        context: admin_service_pb2_grpc._ServicerContext,
    ) -> admin_service_pb2.ListAuditEntriesResponse:
        """Return a page of the audit log."""
        with field("tenant"):
            owner = account_checks.known_name(request.tenant, required=False)
        with field("action"):
            action = checks.plain_text(request.action, longest=_LONGEST_ACTION)
        occurred_after = None
        if request.HasField("occurred_after"):
            with field("occurred_after"):
                occurred_after = checks.timestamp(request.occurred_after)
        size, after, wanted = _page(request)
        found, rest = await self._threads.run(
            self._auditing.list_entries,
            tenant=owner,
            action=action,
            occurred_after=occurred_after,
            page_size=size,
            after=after,
        )
        return admin_service_pb2.ListAuditEntriesResponse(
            entries=[audit_entry(each) for each in found], next_page_token=_next(rest, wanted)
        )

    async def _switch_tenant(self, given: str, *, disabled: bool) -> account_pb2.Tenant:
        with field("name"):
            name = account_checks.known_name(given)
        with self._forgetting():
            changed = await self._threads.run(
                self._accounts.disable_tenant, _actor(), name, disabled=disabled
            )
        return tenant(changed)

    async def _switch_user(
        self, given_tenant: str, given: str, *, disabled: bool
    ) -> account_pb2.User:
        with field("tenant"):
            owner = account_checks.known_name(given_tenant)
        with field("name"):
            name = account_checks.known_name(given)
        with self._forgetting():
            changed = await self._threads.run(
                self._accounts.disable_user, _actor(), owner, name, disabled=disabled
            )
        return user(changed)

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        # Also when the answer is lost: the change may have been made.
        try:
            yield
        finally:
            self._on_invalid()


def _actor() -> Principal:
    return current_caller().principal


def _token_order(request: admin_service_pb2.CreateTokenRequest) -> TokenOrder:
    """Read what a new token is to be. Raises InvalidRequest with every wrong field."""
    violations = Violations()
    owner = violations.check("tenant", lambda: account_checks.known_name(request.tenant), "")
    name = violations.check(
        "user", lambda: account_checks.known_name(request.user, required=False), ""
    )
    label = violations.check(
        "label", lambda: checks.plain_text(request.label, longest=account_checks.MAX_LABEL), ""
    )
    expires_at = None
    if request.HasField("expire_time"):
        expires_at = violations.check(
            "expire_time", lambda: checks.timestamp(request.expire_time), None
        )
    violations.raise_if_any()
    return TokenOrder(
        tenant=owner,
        user=name,
        role=account_checks.role(request.role),
        label=label,
        expires_at=expires_at,
    )


PagedRequest = (
    admin_service_pb2.ListTenantsRequest
    | admin_service_pb2.ListUsersRequest
    | admin_service_pb2.ListTokensRequest
    | admin_service_pb2.ListAuditEntriesRequest
)


def _page(request: PagedRequest) -> tuple[int, Cursor | None, bytes]:
    """Read the page's size, where it starts, and what binds its token to this list."""
    with field("page_size"):
        size = checks.count(request.page_size, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE)
    wanted = _list_of(request)
    return size, unseal(request.page_token, current_caller(), wanted), wanted


def _list_of(request: PagedRequest) -> bytes:
    narrowed: Message = type(request)()
    narrowed.CopyFrom(request)
    for name in ("page_size", "page_token"):
        narrowed.ClearField(name)
    return request.DESCRIPTOR.full_name.encode() + narrowed.SerializeToString(deterministic=True)


def _next(rest: Cursor | None, wanted: bytes) -> str:
    return "" if rest is None else seal(rest, current_caller(), wanted)
