"""The broker message of one step: which step, and which generation of it.

It is all that the broker ever sees: no text, no spec, no secret. What comes
back out of the broker is not trusted, as anything could have written there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

TASK_NAME = "babelmill.run_step"
TRACEPARENT_HEADER = "traceparent"
FAMILIES = ("extraction", "translation", "tone", "reconstruction", "media")
PRIORITIES = ("urgent", "normal", "low")

_MAX_GENERATION = 2**63 - 1


class MalformedMessage(Exception):
    """The broker's message does not name a step and a generation."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or ""))


@dataclass(frozen=True, slots=True)
class StepMessage:
    """Names one generation of one step."""

    step_id: UUID
    generation: int

    def to_kwargs(self) -> dict[str, object]:
        """Give the JSON-ready arguments of the Celery task."""
        return {"step_id": str(self.step_id), "generation": self.generation}

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, object]) -> "StepMessage":
        """Read the arguments of the Celery task; unknown ones are left for later versions.

        Raises MalformedMessage.
        """
        step_id = kwargs.get("step_id")
        generation = kwargs.get("generation")
        if not isinstance(step_id, str):
            raise MalformedMessage("step_id is not a string")
        if not isinstance(generation, int) or isinstance(generation, bool):
            raise MalformedMessage("generation is not an integer")
        if not 1 <= generation <= _MAX_GENERATION:
            raise MalformedMessage("generation is out of range")
        try:
            parsed = UUID(step_id)
        except ValueError:
            raise MalformedMessage("step_id is not a UUID") from None
        return cls(step_id=parsed, generation=generation)


def queue_name(family: str, priority: str) -> str:
    """Name the queue of a family of workers and a priority. Raises ValueError."""
    if family not in FAMILIES:
        raise ValueError(f"unknown queue family; use one of {', '.join(FAMILIES)}")
    if priority not in PRIORITIES:
        raise ValueError(f"unknown priority; use one of {', '.join(PRIORITIES)}")
    return f"{family}.{priority}"
