"""The Engine protocol: what every translator offers and how it may fail.

Nothing above this package knows how an engine works; nothing in it knows about documents,
placeholders or jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from translation_worker.engines.brief import NO_BRIEF, Brief

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


class EngineBusyError(EngineError):
    """The engine's rate limit is reached."""

    def __init__(self, message: str = "", *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class EngineQuotaError(EngineError):
    """The account's quota at the engine is used up."""


class EngineRefusedError(EngineError):
    """The engine's server refuses the credentials or the request."""


class SentenceRefusedError(EngineError):
    """The engine cannot translate this sentence, though it works for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCapabilities:
    """What an engine can do, for whoever chooses and feeds it.

    `any_pair` translates between any two languages, whatever `direct_pairs` says.
    `joins_routes` lets its pairs be hops of a route through a pivot. `whole_segments` takes a
    paragraph as well as a sentence. `characters_per_second` is a rough figure for one process of a
    usual machine, by which documents are shared out. The batch limits are those of one call of its
    own kind; `translate` takes any number of sentences and keeps to them itself.
    """

    any_pair: bool = False
    joins_routes: bool = True
    needs_chat_model: bool = False
    keeps_glossary: bool = False
    sets_tone: bool = False
    whole_segments: bool = False
    characters_per_second: int = 1_000
    max_batch_segments: int = 1
    max_batch_characters: int = 2000
    costs_money: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A translation, and how sure its engine is of it, from 0 to 1."""

    text: str
    confidence: float


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

    @property
    def capabilities(self) -> EngineCapabilities:
        """What it can do."""

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return the directions that need no pivot."""

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[str | None]:
        """Translate each sentence and return the results in the same order.

        A sentence is one line without control characters. None stands for a sentence that this
        engine could not do. Raises EngineUnavailableError if the engine does not start or
        answer, EngineBusyError, EngineQuotaError or EngineRefusedError as its server says,
        another EngineError if it breaks for all sentences, and BudgetExceeded; lets what `stop`
        raises pass.
        """

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:
        """Return the ids of a direction's helper processes, to measure what the work costs."""

    def close(self) -> None:
        """Free memory and end helper processes; a later translate starts them again."""


@runtime_checkable
class TellsConfidence(Protocol):
    """An engine that knows how sure it is."""

    def translate_scored(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[Scored | None]:
        """Translate as `translate` does, and tell how sure the engine is."""
