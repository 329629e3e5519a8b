"""The audit log: entries are added and read; a trigger refuses everything else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, tuple_

from job_service.application.job_query import Cursor
from job_service.domain.accounts import Action, AuditEntry
from job_service.domain.principal import Principal
from job_service.storage.tables import AUDIT_ENTRIES, TENANTS, USERS

COMMAND = "command"


class SqlAuditRows:
    """The audit log as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        own_tenant = "" if actor is None else self._tenant_of(actor)
        self._connection.execute(
            insert(AUDIT_ENTRIES).values(
                entry_id=entry_id,
                occurred_at=func.clock_timestamp(),
                action=action,
                actor=COMMAND if actor is None else self._name_of(actor, own_tenant),
                actor_token_id=None if actor is None else actor.token_id,
                tenant=own_tenant if tenant is None else tenant,
                subject=subject,
                details=dict(details or {}),
            )
        )

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
        columns = AUDIT_ENTRIES.c
        wanted = select(AUDIT_ENTRIES)
        if tenant:
            wanted = wanted.where(columns.tenant == tenant)
        if action:
            wanted = wanted.where(columns.action == action)
        if occurred_after is not None:
            wanted = wanted.where(columns.occurred_at > occurred_after)
        if after is not None:
            position = tuple_(columns.occurred_at, columns.entry_id)
            wanted = wanted.where(position < (after.created_at, after.job_id))
        found = self._connection.execute(
            wanted.order_by(columns.occurred_at.desc(), columns.entry_id.desc()).limit(limit)
        ).mappings()
        return [AuditEntry(**row) for row in found]

    def _tenant_of(self, actor: Principal) -> str:
        name: str = self._connection.execute(
            select(TENANTS.c.name).where(TENANTS.c.tenant_id == actor.tenant_id)
        ).scalar_one()
        return name

    def _name_of(self, actor: Principal, tenant: str) -> str:
        if actor.user_id is None:
            return tenant
        user = self._connection.execute(
            select(USERS.c.name).where(USERS.c.user_id == actor.user_id)
        ).scalar_one()
        return f"{tenant}/{user}"
