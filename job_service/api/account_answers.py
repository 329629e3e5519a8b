"""From what the use cases return about accounts and the audit log to messages."""

from babelmill.jobs.v1 import account_pb2, audit_entry_pb2
from job_service.api.job_answers import timestamp
from job_service.domain.accounts import AuditEntry, Tenant, TokenRecord, User
from job_service.domain.principal import Role

_ROLES = {
    Role.CLIENT: account_pb2.ROLE_CLIENT,
    Role.OPERATOR: account_pb2.ROLE_OPERATOR,
    Role.WORKER: account_pb2.ROLE_WORKER,
}


def tenant(found: Tenant) -> account_pb2.Tenant:
    """Write a tenant."""
    return account_pb2.Tenant(
        tenant_id=str(found.tenant_id),
        name=found.name,
        create_time=timestamp(found.created_at),
        disable_time=timestamp(found.disabled_at),
    )


def user(found: User) -> account_pb2.User:
    """Write a user."""
    return account_pb2.User(
        user_id=str(found.user_id),
        tenant=found.tenant,
        name=found.name,
        role=_ROLES[found.role],
        create_time=timestamp(found.created_at),
        disable_time=timestamp(found.disabled_at),
    )


def token(found: TokenRecord) -> account_pb2.Token:
    """Write what is known of a token."""
    return account_pb2.Token(
        token_id=str(found.token_id),
        prefix=found.prefix,
        tenant=found.tenant,
        user=found.user,
        role=_ROLES[found.role],
        label=found.label,
        create_time=timestamp(found.created_at),
        expire_time=timestamp(found.expires_at),
        revoke_time=timestamp(found.revoked_at),
    )


def audit_entry(found: AuditEntry) -> audit_entry_pb2.AuditEntry:
    """Write an entry of the audit log."""
    return audit_entry_pb2.AuditEntry(
        entry_id=str(found.entry_id),
        occur_time=timestamp(found.occurred_at),
        action=found.action,
        actor=found.actor,
        actor_token_id="" if found.actor_token_id is None else str(found.actor_token_id),
        tenant=found.tenant,
        subject=found.subject,
        details=found.details,
    )
