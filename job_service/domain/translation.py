"""The nouns of a translation's options: tone, terms, a chat model, a budget.

A chat model's key is never among them: whoever takes a request apart keeps it
apart, so that nothing which writes a spec down can write the key down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Tone(StrEnum):
    """How a translation addresses its readers."""

    NEUTRAL = "NEUTRAL"
    FORMAL = "FORMAL"
    INFORMAL = "INFORMAL"


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """How a term is to be translated; an empty target keeps the source term.

    An empty target language means all of them.
    """

    source: str
    target: str = ""
    target_language: str = ""
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model behind a chat completions API; `has_api_key` tells that a key came with it."""

    base_url: str
    model_name: str
    has_api_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a job may cost at most; 0 is no limit."""

    max_characters: int = 0
    max_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationOptions:
    """What applies to every kind of translation."""

    engines: tuple[str, ...] = ()
    tone: Tone | None = None
    domain: str = ""
    chat_model: ChatModel | None = None
    glossary_ids: tuple[UUID, ...] = ()
    glossary_terms: tuple[GlossaryTerm, ...] = ()
    budget: Budget = field(default_factory=Budget)
    without_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTwins:
    """Files to make besides the translated one."""

    bilingual: bool = False
    xliff: bool = False


def term_form(term: GlossaryTerm) -> dict[str, object]:
    """Write a term JSON-ready, by the names of the contract: workers read it too."""
    return {
        "source": term.source,
        "target": term.target,
        "target_language": term.target_language,
        "case_sensitive": term.case_sensitive,
    }


def read_term(form: Mapping[str, object]) -> GlossaryTerm:
    """Read a term as `term_form` writes it."""
    return GlossaryTerm(
        source=str(form["source"]),
        target=str(form["target"]),
        target_language=str(form["target_language"]),
        case_sensitive=bool(form["case_sensitive"]),
    )
