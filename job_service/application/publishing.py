"""Handing ready steps to the relay, which sends them to the broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from job_service.application.ports import Signals, UnitOfWorkFactory
from job_service.domain.job import Priority


@dataclass(frozen=True, slots=True)
class PublishableStep:
    """All that a broker message may hold, and how to route it."""

    step_id: UUID
    generation: int
    kind: str
    priority: Priority
    traceparent: str
    job_id: UUID
    name: str


class Publishing:
    """Claims steps for a moment; no lock is held while the relay sends."""

    def __init__(self, *, units: UnitOfWorkFactory, signals: Signals) -> None:
        self._units = units
        self._signals = signals

    def take(self, limit: int) -> list[PublishableStep]:
        """Claim up to `limit` due steps for 10 s, urgent ones first.

        A claim that is neither marked nor released ends by itself, so a step
        can be sent twice, never not at all.
        """
        raise NotImplementedError

    def mark_published(self, steps: Sequence[PublishableStep]) -> None:
        """Record that the broker has them: PENDING becomes QUEUED."""
        raise NotImplementedError

    def release(self, steps: Sequence[PublishableStep]) -> None:
        """Give back steps that could not be sent; they are due again at once."""
        raise NotImplementedError
