"""A paragraph of an OpenDocument file: taken apart into items, and built again.

Its words are text and tails among elements, in which white space collapses (ODF 1.3 part 3,
6.1.2): a run of spaces is written as elements.
"""

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from translation_worker.formats.odt_names import TEXT, text_name
from translation_worker.formats.odt_styles import OdfStyles, spans_of
from translation_worker.formats.office_items import (
    PLAIN,
    Closing,
    Fixed,
    Group,
    Item,
    Opening,
    Piece,
    Style,
    Words,
)
from translation_worker.formats.office_marks import Mark, pair_marks
from translation_worker.formats.safe_xml import xml_text

_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_SPACES = re.compile(r"( +)")
_GROUPS = frozenset({"a", "meta"})
_FORGOTTEN = frozenset({"soft-page-break"})
_MARK_NAME = re.compile(r"(bookmark|reference-mark|change|alphabetical-index-mark)-(start|end)")
# What a mark is known by.
_MARK_ATTRIBUTES = (TEXT + "name", TEXT + "change-id", TEXT + "id")
_LINE_BREAK = re.compile(r"[\t\r\n]+")
# More spaces in a row than this are a mistake or an attack.
_MAX_SPACES = 1000


class OdfParagraph:
    """A paragraph that holds words; `key` and `context` as a slot has them."""

    def __init__(self, element: etree._Element, styles: OdfStyles, key: str, context: str) -> None:
        self._element = element
        self._styles = styles
        self.key = key
        self.context = context

    def items(self) -> list[Item]:
        """Return what the paragraph holds."""
        return pair_marks(self._items_in(self._element, PLAIN, _WhiteSpace()))

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in; an OpenDocument paragraph names no language."""
        del language
        for item in items:
            for piece in _pieces(item):
                # The words behind a piece are items of their own.
                piece.element.tail = None
            if isinstance(item, Opening) and item.group.wrapper is not None:
                _clear(item.group.wrapper)
        _clear(self._element)
        _Builder(self._element).build(items)

    def _items_in(
        self, parent: etree._Element, style: Style, space: "_WhiteSpace"
    ) -> Iterator[Item | Mark]:
        yield Words(space.collapsed(parent.text), style)
        for element in parent:
            yield from self._items_of(element, style, space)
            yield Words(space.collapsed(element.tail), style)

    def _items_of(
        self, element: etree._Element, style: Style, space: "_WhiteSpace"
    ) -> Iterator[Item | Mark]:
        name = text_name(element)
        if name == "span" and not self._styles.is_code(element):
            inner = self._styles.style_of(element, style)
            yield from self._items_in(element, inner, space)
        elif name == "s":
            space.is_open = False
            yield Words(" " * _count(element), style)
        elif name in _GROUPS:
            group = Group(wrapper=element)
            yield Opening(group)
            yield from self._items_in(element, style, space)
            yield Closing(group)
        elif (match := _MARK_NAME.fullmatch(name)) is not None:
            key = next((element.get(one) for one in _MARK_ATTRIBUTES if element.get(one)), "")
            yield Mark((match[1], key), match[2] == "start", Piece(element, style))
        elif name not in _FORGOTTEN:
            space.is_open = False
            yield Fixed((Piece(element, style),))


class _WhiteSpace:
    """Collapses the white space of a paragraph; `is_open` while more of it counts for nothing."""

    def __init__(self) -> None:
        self.is_open = True

    def collapsed(self, text: str | None) -> str:
        if not text:
            return ""
        collapsed = _WHITE_SPACE.sub(" ", text)
        if self.is_open:
            collapsed = collapsed.removeprefix(" ")
        if collapsed:
            self.is_open = collapsed.endswith(" ")
        return collapsed


class _Builder:
    """Appends items to a paragraph."""

    def __init__(self, paragraph: etree._Element) -> None:
        self._places = [paragraph]
        self._after_space = True

    def build(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Words):
                self._append_words(item)
            elif isinstance(item, Fixed):
                self._append_pieces(item.pieces)
            elif isinstance(item, Opening):
                self._append_pieces(item.group.before)
                wrapper = item.group.wrapper
                if wrapper is not None:
                    self._places[-1].append(wrapper)
                self._places.append(self._places[-1] if wrapper is None else wrapper)
            else:
                self._places.pop()
                self._append_pieces(item.group.after)

    def _append_words(self, words: Words) -> None:
        place = self._place_for(words.style)
        for part in _SPACES.split(xml_text(_LINE_BREAK.sub(" ", words.text))):
            if not part.startswith(" "):
                _append_text(place, part)
                self._after_space = self._after_space and not part
                continue
            # The first space is one as such, unless white space counts for nothing here.
            left = len(part)
            if not self._after_space:
                _append_text(place, " ")
                left -= 1
            if left:
                space = etree.SubElement(place, TEXT + "s")
                if left > 1:
                    space.set(TEXT + "c", str(left))
            self._after_space = True

    def _append_pieces(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            self._place_for(piece.style or PLAIN).append(piece.element)
            self._after_space = False

    def _place_for(self, style: Style) -> etree._Element:
        spans = spans_of(style)
        if spans is None:
            return self._places[-1]
        self._places[-1].append(spans[0])
        return spans[1]


def _append_text(parent: etree._Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _clear(parent: etree._Element) -> None:
    """Take out everything, and the words behind each element with it."""
    parent.text = None
    for element in list(parent):
        element.tail = None
        parent.remove(element)


def _pieces(item: Item) -> Sequence[Piece]:
    if isinstance(item, Fixed):
        return item.pieces
    if isinstance(item, Opening):
        return (*item.group.before, *item.group.after)
    return ()


def _count(element: etree._Element) -> int:
    """Return how many spaces an element stands for."""
    count = element.get(TEXT + "c", "1")
    return min(int(count), _MAX_SPACES) if count.isascii() and count.isdecimal() else 1
