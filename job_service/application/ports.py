"""What the use cases need from the outside."""

from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID


class Signals(Protocol):
    """Hints that go out after a commit. Losing one costs time, never truth.

    Methods are called from database threads and must not block or raise.
    """

    def job_changed(self, job_id: UUID) -> None:
        """Wake the watchers of a job: it has new events or progress."""

    def steps_pending(self) -> None:
        """Wake the relay: there are steps to publish."""


class NullSignals:
    """Tells nobody; pollers find the change by themselves."""

    def job_changed(self, job_id: UUID) -> None:
        """Do nothing."""

    def steps_pending(self) -> None:
        """Do nothing."""


class UnitOfWork(Protocol):
    """One transaction."""


class UnitOfWorkFactory(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction that commits on a clean exit and rolls back on an exception."""

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """Open a read-only snapshot: all that is read in it is of one moment."""
