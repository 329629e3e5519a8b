"""The text of a cell or a comment of a workbook, in one style or several.

ECMA-376 part 1, 18.4: shared strings, inline strings and comments have the same form.
"""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy

from lxml import etree

from translation_worker.formats.office_items import (
    PLAIN,
    Fixed,
    Item,
    Piece,
    Style,
    Words,
    join,
)
from translation_worker.formats.safe_xml import XML_SPACE, xml_text

# A line break, which some writers keep the carriage return of in the escaped form of 22.9.2.19.
_LINE_BREAKS = re.compile(r"((?:(?:_x000[Dd]_)?\r?\n|\r|_x000[Dd]_)+)")
# Fonts as the reader's machine has them tell nothing about how words look.
_UNSEEN = frozenset({"charset", "family", "scheme"})
_MARKING = frozenset({"b", "i", "outline", "shadow", "strike", "u", "vertAlign"})
_BLACK = ({"theme": "1"}, {"rgb": "FF000000"}, {"indexed": "8"}, {"auto": "1"})
# Saying nothing, and saying what is so anyway.
_PLAIN_FORMS = 2


class CellText:
    """A text that may have several styles; `key` and `context` as a slot has them."""

    def __init__(self, element: etree._Element, key: str, context: str) -> None:
        self._element = element
        self.key = key
        self.context = context

    @property
    def text(self) -> str:
        """Return all of it, with its line breaks as a table's headings have them."""
        whole = "".join(text.text or "" for _, text in self._runs())
        return _LINE_BREAKS.sub("\n", whole)

    @property
    def is_simple(self) -> bool:
        """Tell whether it is one text, without runs."""
        return [run for run, _ in self._runs()] == [None]

    def items(self) -> list[Item]:
        """Return what the text holds."""
        runs = [(PLAIN if run is None else _style(run), text) for run, text in self._runs()]
        plain = {style for style, _ in runs if style.source is None or _is_unmarked(style.source)}
        # Where a run says nothing of its looks, it has the cell's, and a later one that goes back
        # to those says them.
        same = plain if PLAIN in plain and len(plain) <= _PLAIN_FORMS else {PLAIN}
        items: list[Item] = []
        for style, text in runs:
            items += text_items(text.text or "", PLAIN if style in same else style)
        return items

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in; a cell's text names no language."""
        del language
        words = [item for item in join(map(as_words, items)) if isinstance(item, Words)]
        for element in list(self._element):
            self._element.remove(element)
        if all(one.style == PLAIN for one in words):
            self._append_text(self._element, "".join(one.text for one in words))
            return
        for one in words:
            run = etree.SubElement(self._element, self._tag("r"))
            if one.style.source is not None:
                properties = deepcopy(one.style.source)
                properties.tail = None
                run.append(properties)
            self._append_text(run, one.text)

    def _runs(self) -> Iterator[tuple[etree._Element | None, etree._Element]]:
        """Yield each run with its text; None for a text without one."""
        for element in self._element.iterchildren("{*}t", "{*}r"):
            if etree.QName(element).localname == "t":
                yield None, element
            else:
                yield from ((element, text) for text in element.iterchildren("{*}t"))

    def _append_text(self, parent: etree._Element, words: str) -> None:
        text = etree.SubElement(parent, self._tag("t"))
        text.text = xml_text(words)
        if text.text != text.text.strip():
            text.set(XML_SPACE, "preserve")

    def _tag(self, name: str) -> str:
        return f"{{{etree.QName(self._element).namespace}}}{name}"


def text_items(text: str, style: Style = PLAIN) -> list[Item]:
    """Return a text as words, with each line break, or several, as a fixed piece."""
    items: list[Item] = []
    for index, part in enumerate(_LINE_BREAKS.split(text)):
        if index % 2:
            element = etree.Element("break")
            element.text = part
            items.append(Fixed((Piece(element, style),)))
        else:
            items.append(Words(part, style))
    return items


def as_words(item: Item) -> Item:
    """Return the line breaks of a fixed piece as words, and any other item as it is."""
    if not isinstance(item, Fixed):
        return item
    return Words(
        "".join(one.element.text or "" for one in item.pieces), item.pieces[0].style or PLAIN
    )


def _style(run: etree._Element) -> Style:
    properties = run.find("{*}rPr")
    if properties is None:
        return PLAIN
    seen = [
        (etree.QName(one).localname, sorted(one.items()))
        for one in properties.iterchildren("{*}*")
        if etree.QName(one).localname not in _UNSEEN
    ]
    names = {name for name, _ in seen}
    return Style(
        str(sorted(seen)) if seen else "",
        properties,
        raised="vertAlign" in names,
        marks_space=bool(names & {"strike", "u"}),
    )


def _is_unmarked(properties: etree._Element) -> bool:
    """Tell whether properties name a font and its size only, in black."""
    for one in properties.iterchildren("{*}*"):
        name = etree.QName(one).localname
        if name in _MARKING or (name == "color" and dict(one.items()) not in _BLACK):
            return False
    return True
