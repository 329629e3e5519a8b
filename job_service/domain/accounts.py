"""What is known of tenants, users and tokens, and what was done to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from job_service.domain.principal import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Who owns jobs and artifacts. None of a disabled one's tokens works."""

    tenant_id: UUID
    name: str
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody of a tenant, by its name. None of a disabled one's tokens works."""

    user_id: UUID
    tenant_id: UUID
    tenant: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What is known of a token; itself it is not kept."""

    token_id: UUID
    prefix: str
    tenant_id: UUID
    tenant: str
    role: Role
    created_at: datetime
    user: str = ""
    label: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Action(StrEnum):
    """What the audit log tells of."""

    TENANT_CREATE = "tenant.create"
    TENANT_DISABLE = "tenant.disable"
    TENANT_ENABLE = "tenant.enable"
    USER_CREATE = "user.create"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    TOKEN_CREATE = "token.create"  # noqa: S105 - the name of an action
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - as above
    CALL_REFUSED = "call.refused"
    JOB_DELETE = "job.delete"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_DELETE = "webhook.delete"
    WEBHOOK_ENABLE = "webhook.enable"
    WEBHOOK_DISABLE = "webhook.disable"
    WEBHOOK_ROTATE_SECRET = "webhook.rotate_secret"  # noqa: S105 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to whom and when; without secrets and without users' words."""

    entry_id: UUID
    occurred_at: datetime
    action: str
    actor: str
    actor_token_id: UUID | None
    tenant: str
    subject: str
    details: Mapping[str, str] = field(default_factory=dict)
