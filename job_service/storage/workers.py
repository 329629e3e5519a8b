"""Announcements of workers, which expire."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from job_service.domain.catalog import WorkerAnnouncement
from job_service.storage.json_forms import announcement_form, read_announcement
from job_service.storage.tables import WORKERS


class SqlWorkerRows:
    """Announcements as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def announce(self, announcement: WorkerAnnouncement, ttl: timedelta) -> None:
        """Store an announcement, and forget the workers that are long gone."""
        now = func.clock_timestamp()
        said = {
            "service": announcement.service,
            "version": announcement.version,
            "announcement": announcement_form(announcement),
            "announced_at": now,
            "expires_at": now + ttl,
        }
        self._connection.execute(
            insert(WORKERS)
            .values(worker_id=announcement.worker_id, **said)
            .on_conflict_do_update(index_elements=["worker_id"], set_=said)
        )
        gone = (
            select(WORKERS.c.worker_id)
            .where(WORKERS.c.expires_at < now - ttl)
            .with_for_update(skip_locked=True)
        )
        self._connection.execute(delete(WORKERS).where(WORKERS.c.worker_id.in_(gone)))

    def live(self) -> Sequence[WorkerAnnouncement]:
        """Return what has not expired, newest first."""
        found = self._connection.execute(
            select(WORKERS)
            .where(WORKERS.c.expires_at > func.clock_timestamp())
            .order_by(WORKERS.c.announced_at.desc(), WORKERS.c.worker_id)
        )
        return [
            read_announcement(row.worker_id, row.service, row.version, row.announcement)
            for row in found
        ]
