"""Which dialects are spoken, and what is taken for what their requests leave open."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.jobs_client.caller import Caller


class Dialect(StrEnum):
    """The dialects by name; docs/dialects.md tells what each looks like."""

    DJANGO = "django"
    MESSAGES = "messages"
    PDF = "pdf"
    RECORDS = "records"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class DialectOptions:
    """What the operator has decided."""

    spoken: frozenset[Dialect] = frozenset(Dialect)
    guest: Caller | None = field(default=None, repr=False)
    """Who calls when a request of a dialect without credentials has none; None: nobody."""
    chat_base_url: str = "https://api.openai.com/v1"
    """Where the messages dialect's models are when a message does not say."""
    source_language: str = "en"
    """Of the Django dialect's texts that are too short to tell theirs; empty: it is tried."""
    target_language: str = ""
    """Of an uploaded PDF that comes without one; empty: it must come with one."""


def dialects_of(names: Iterable[str]) -> frozenset[Dialect]:
    """Read names. Raises ValueError."""
    return frozenset(Dialect(name) for name in names)
