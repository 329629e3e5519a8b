"""The Engine protocol: what every translator offers and how it may fail.

Nothing above this package knows how an engine works; nothing in it knows about documents,
placeholders or jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

# Called between sentences; it raises when the work shall stop.
StopCheck = Callable[[], None]


@dataclass(frozen=True, order=True)
class LanguagePair:
    """One direction, by lower-case BCP 47 primary subtags."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}-{self.target}"


class EngineError(Exception):
    """The engine failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class EngineUnavailableError(EngineError):
    """The engine cannot be started on this machine."""


class SentenceRefusedError(EngineError):
    """The engine cannot translate this sentence, though it works for others."""


class Engine(Protocol):
    """A translator of single sentences.

    An engine is used by one thread at a time. It starts lazily: making one and asking for its
    pairs must be cheap, so that a process can announce what it never uses.
    """

    @property
    def name(self) -> str:
        """Name, as in a spec."""

    @property
    def version(self) -> str:
        """Version of the engine or of its models."""

    @property
    def description(self) -> str:
        """One sentence for people."""

    @property
    def max_sentence_characters(self) -> int:
        """Longest sentence to hand over, in code points; more is the caller's to split."""

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return the directions that need no pivot."""

    def translate(
        self, sentences: Sequence[str], pair: LanguagePair, stop: StopCheck
    ) -> list[str | None]:
        """Translate each sentence and return the results in the same order.

        A sentence is one line without control characters. None stands for a sentence that this
        engine could not do. Raises EngineUnavailableError if the engine does not start and
        EngineError if it breaks for all sentences; lets what `stop` raises pass.
        """

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:
        """Return the ids of a direction's helper processes, to measure what the work costs."""

    def close(self) -> None:
        """Free memory and end helper processes; a later translate starts them again."""
