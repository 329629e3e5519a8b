"""How a list of jobs is narrowed, and where its next page starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from job_service.domain.job import JobState, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Keeps the jobs that match all that is set; an empty field matches every job."""

    states: tuple[JobState, ...] = ()
    kinds: tuple[str, ...] = ()
    priorities: tuple[Priority, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last job of a page; the next page starts behind it."""

    created_at: datetime
    job_id: UUID
