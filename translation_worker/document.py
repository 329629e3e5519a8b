"""The nouns of a document: segments with their tags, and what became of them.

A segment is what is translated as one: a paragraph, a cell, a cue. Its inline markup is tags, of
which only the codec that made them knows the meaning; everything else is words. What is not in a
segment is the skeleton, which stays in the original file.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class TagKind(StrEnum):
    """How a tag stands among the words."""

    OPENING = "opening"
    CLOSING = "closing"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Tag:
    """One piece of inline markup; an opening tag and its closing one share their number."""

    number: int
    kind: TagKind


Content = tuple[str | Tag, ...]
"""Words and tags in their order; no two strings stand side by side, none is empty."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A translatable unit.

    `segment_id` is unique in its document and the same whenever the same bytes are read. `context`
    says for people and chat models what it is, such as "heading" or a field's name.
    `max_characters`, if it is set, is what its place holds; a longer translation is reported.
    """

    segment_id: str
    content: Content
    context: str = ""
    max_characters: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentTranslation:
    """What became of a segment.

    `way` is a word of `sentence_translation.Way`: the worst of its sentences; `kept_source` flags a
    segment of which a part is not translated. `route` names the engines and languages, `confidence`
    is from 0 to 1 where an engine tells one. `notes` are words for programs, such as
    "glossary_term_missed" or "too_long".
    """

    segment_id: str
    content: Content
    way: str
    route: str = ""
    from_memory: bool = False
    confidence: float | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def plain_text(content: Content) -> str:
    """Return the words of a content, without its tags."""
    return "".join(part for part in content if isinstance(part, str))


def tags_of(content: Content) -> tuple[Tag, ...]:
    """Return the tags of a content in their order."""
    return tuple(part for part in content if isinstance(part, Tag))


def content_of(parts: Sequence[str | Tag]) -> Content:
    """Join strings that stand side by side, and leave empty ones out."""
    joined: list[str | Tag] = []
    for is_text, group in itertools.groupby(parts, key=lambda part: isinstance(part, str)):
        if not is_text:
            joined += group
        # Joined at once: piece by piece would take the square of the time.
        elif text := "".join(part for part in group if isinstance(part, str)):
            joined.append(text)
    return tuple(joined)


def is_well_formed(content: Content) -> bool:
    """Tell whether every tag that is opened is closed, in the right order."""
    opened: list[int] = []
    for tag in tags_of(content):
        if tag.kind is TagKind.OPENING:
            opened.append(tag.number)
        elif tag.kind is TagKind.CLOSING and (not opened or opened.pop() != tag.number):
            return False
    return not opened
