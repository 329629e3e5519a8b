"""Brief: what an engine is told besides the sentences, and what it may spend on them."""

from dataclasses import dataclass, field


class BudgetExceeded(Exception):
    """The work would take more tokens than the job allows."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a glossary and its translation; an empty `target` keeps the source's word."""

    source: str
    target: str
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatModel:
    """A model behind an OpenAI-compatible API; `api_key` is a secret of the client's."""

    base_url: str
    model_name: str
    api_key: str = field(repr=False)


@dataclass(slots=True)
class Spending:
    """What was spent so far. A `max_tokens` of 0 is no limit.

    Characters are those of the sentences that engines have translated, each hop of a route
    counted; tokens are what chat models tell.
    """

    characters: int = 0
    tokens: int = 0
    max_tokens: int = 0

    @property
    def tokens_left(self) -> int | None:
        """Tokens that may still be spent; None without a limit."""
        return max(0, self.max_tokens - self.tokens) if self.max_tokens else None

    def add_characters(self, count: int) -> None:
        """Count characters that an engine has translated."""
        self.characters += count

    def add_tokens(self, count: int) -> None:
        """Count tokens that were taken. Raises BudgetExceeded if that were too many."""
        self.tokens += count
        if self.max_tokens and self.tokens > self.max_tokens:
            raise BudgetExceeded("The budget of tokens is used up.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a job wants of its translations; engines take from it what they can.

    `tone` is "", "neutral", "formal" or "informal"; `domain` a few words such as "legal".
    """

    tone: str = ""
    domain: str = ""
    glossary: tuple[Term, ...] = ()
    chat_model: ChatModel | None = None
    spending: Spending = field(default_factory=Spending)


NO_BRIEF = Brief()
"""Nothing but the sentences. Its spending has no limit, and counts for nobody."""
