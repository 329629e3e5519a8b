"""The nouns of a paragraph of an office document: words in styles, groups, and fixed pieces.

A codec takes a paragraph apart into items and builds it again from items. Elements are only handed
through: none is changed here.
"""

from collections.abc import Iterable, Iterator
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


def join(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items with words of one style, and fixed pieces, joined to their neighbours."""
    # Gathered in lists: adding to a text again and again takes the square of its length.
    texts: list[str] = []
    style = PLAIN
    pieces: list[Piece] = []
    for item in items:
        if isinstance(item, Words) and not item.text:
            continue
        if texts and not (isinstance(item, Words) and item.style == style):
            yield Words("".join(texts), style)
            texts = []
        if pieces and not isinstance(item, Fixed):
            yield Fixed(tuple(pieces))
            pieces = []
        if isinstance(item, Words):
            style = style if texts else item.style
            texts.append(item.text)
        elif isinstance(item, Fixed):
            pieces += item.pieces
        else:
            yield item
    if texts:
        yield Words("".join(texts), style)
    if pieces:
        yield Fixed(tuple(pieces))
