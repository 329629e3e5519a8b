"""The nouns of a paragraph of an office document: words in styles, groups, and fixed pieces.

A codec takes a paragraph apart into items and builds it again from items. Elements are only handed
through: none is changed here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree


@dataclass(frozen=True, slots=True)
class Style:
    """How words look; styles are equal if their keys are.

    `raised` is above or below the line, `marks_space` shows even on a space, as underlining does.
    """

    key: str = ""
    source: etree._Element | None = field(default=None, compare=False, repr=False)
    raised: bool = field(default=False, compare=False)
    marks_space: bool = field(default=False, compare=False)


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Words:
    """Text in one style."""

    text: str
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Piece:
    """An element that stays as it is; with a style, it belongs into a run of that style."""

    element: etree._Element
    style: Style | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """Pieces that stand as one among the words."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Something that holds words: an element around them, or pieces on both sides of them."""

    wrapper: etree._Element | None = None
    before: tuple[Piece, ...] = ()
    after: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a group starts."""

    group: Group


@dataclass(frozen=True, slots=True)
class Closing:
    """Where a group ends."""

    group: Group


Item = Words | Fixed | Opening | Closing


def join(items: Iterable[Item]) -> Iterable[Item]:
    """Yield the items with words of one style, and fixed pieces, joined to their neighbours."""
    last: Words | Fixed | None = None
    for item in items:
        if isinstance(item, Words) and not item.text:
            continue
        if isinstance(item, Words) and isinstance(last, Words) and item.style == last.style:
            last = Words(last.text + item.text, last.style)
        elif isinstance(item, Fixed) and isinstance(last, Fixed):
            last = Fixed(last.pieces + item.pieces)
        else:
            if last is not None:
                yield last
            last = None
            if isinstance(item, Words | Fixed):
                last = item
            else:
                yield item
    if last is not None:
        yield last
