"""The fence around an attempt, and what a worker is told about it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """Names an attempt. Every write of a worker carries it.

    `generation` comes from the broker's message and only ever grows;
    `lease_id` is the worker's own random choice, so it fences also where a
    restored database has rewound the generation.
    """

    step_id: UUID
    generation: int
    lease_id: UUID


class LeaseDirective(StrEnum):
    """What a worker must do about a lease."""

    CONTINUE = "CONTINUE"
    CANCEL = "CANCEL"
    LOST = "LOST"


class LeaseResult(StrEnum):
    """How a lease ended; kept, so that a repeated report gets the same answer."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    COMPLETED_TOO_LATE = "COMPLETED_TOO_LATE"
