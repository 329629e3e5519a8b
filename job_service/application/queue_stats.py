"""How full each queue is, how old its oldest step, and how fast it drains."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from job_service.application.ports import UnitOfWorkFactory
from job_service.application.upkeep_ports import Standing
from job_service.domain.job import Priority

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigure:
    """One queue; `drain_rate` is in steps a second."""

    name: str
    priority: Priority
    depth: int = 0
    leased: int = 0
    oldest_age: timedelta | None = None
    drain_rate: float = 0.0


class QueueStats:
    """Counts in the database; `queues` names the queue of each kind and priority.

    The broker is never asked: it does not know what a worker holds, nor what
    waits for a retry, and it may have lost what it knew.
    """

    def __init__(
        self, *, units: UnitOfWorkFactory, queues: Mapping[tuple[str, Priority], str]
    ) -> None:
        self._units = units
        self._queues = queues

    def list_queues(self, tenant_id: UUID | None = None) -> list[QueueFigure]:
        """Return every queue by name, also the empty ones; counted over a tenant or over all."""
        with self._units.read() as uow:
            standings = uow.figures.standings(WINDOW, tenant_id)
        of_queue: dict[str, list[Standing]] = {name: [] for name in self._queues.values()}
        for standing in standings:
            # Steps of a kind that nobody routes any more are in no queue.
            name = self._queues.get((standing.kind, standing.priority))
            if name is not None:
                of_queue[name].append(standing)
        priorities = {name: priority for (_, priority), name in self._queues.items()}
        return [
            QueueFigure(
                name=name,
                priority=priorities[name],
                depth=sum(one.waiting for one in found),
                leased=sum(one.leased for one in found),
                oldest_age=max((one.oldest_age for one in found if one.oldest_age), default=None),
                drain_rate=sum(one.ended for one in found) / WINDOW.total_seconds(),
            )
            for name, found in sorted(of_queue.items())
        ]
