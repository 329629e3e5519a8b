"""Reading jobs and their events; changes nothing."""

from datetime import datetime
from uuid import UUID

from job_service.application.job_query import Cursor, JobQuery
from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.events import JobEvent
from job_service.domain.job import Job, JobState, Progress


__all__ = ["Cursor", "JobQuery", "Queries"]


class Queries:
    """Answers from one consistent snapshot each."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def get_job(self, tenant_id: UUID, job_id: UUID) -> Job:
        """Return a job with its spec's text, steps, and targets with outputs.

        An output of text of at most 16 KiB carries its bytes in `inline`.
        Raises JobNotFound.
        """
        raise NotImplementedError

    def list_jobs(
        self, tenant_id: UUID, query: JobQuery, page_size: int, after: Cursor | None = None
    ) -> tuple[list[Job], Cursor | None]:
        """Return a page, newest first, and where the next one starts (None: no more).

        The jobs come without steps, outputs, and the spec's inline text.
        """
        raise NotImplementedError

    def list_events(
        self, tenant_id: UUID, job_id: UUID, after_sequence: int, limit: int
    ) -> list[JobEvent]:
        """Return events in order. Raises JobNotFound."""
        raise NotImplementedError

    def events_after(self, job_id: UUID, after_sequence: int, limit: int) -> list[JobEvent]:
        """Return events in order, for a caller that has checked the tenant."""
        raise NotImplementedError

    def progress_of(self, job_id: UUID) -> tuple[JobState, int, Progress | None]:
        """Return state, newest sequence and progress; cheap. Raises JobNotFound."""
        raise NotImplementedError

    def now(self) -> datetime:
        """Read the database's clock."""
        raise NotImplementedError
