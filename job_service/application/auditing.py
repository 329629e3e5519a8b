"""The audit log: read by operators, and told of calls that were refused."""

from datetime import datetime

from job_service.application.job_query import Cursor
from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.accounts import Action, AuditEntry
from job_service.domain.ids import uuid7
from job_service.domain.principal import Principal


class Auditing:
    """Reads the log, and writes what belongs to no other change."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def list_entries(
        self,
        *,
        tenant: str,
        action: str,
        occurred_after: datetime | None,
        page_size: int,
        after: Cursor | None,
    ) -> tuple[list[AuditEntry], Cursor | None]:
        """Return a page, the newest first, and where the next one starts (None: no more)."""
        with self._units.read() as uow:
            found = uow.audit.page(
                tenant=tenant,
                action=action,
                occurred_after=occurred_after,
                limit=page_size + 1,
                after=after,
            )
        page = list(found[:page_size])
        more = len(found) > page_size
        return page, Cursor(page[-1].occurred_at, page[-1].entry_id) if more and page else None

    def record_refusal(self, actor: Principal, method: str) -> None:
        """Write that somebody called what their role may not."""
        with self._units.write() as uow:
            uow.audit.append(
                uuid7(uow.now()),
                Action.CALL_REFUSED,
                actor,
                subject=f"method/{method}",
                details={"role": actor.role.value},
            )
