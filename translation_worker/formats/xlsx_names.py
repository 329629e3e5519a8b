"""Words of a workbook that are also names: they are translated everywhere at once, or nowhere.

A table's columns are named as their headings read, and Excel calls the workbook damaged where they
are not. Formulas compare cells with words, lists of choices name them, pivot tables look for
their fields: those words stay.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape

from lxml import etree

from translation_worker.document import Content, plain_text
from translation_worker.formats.office_items import Item
from translation_worker.formats.office_slots import AttributeSlot, Slot, plain_words
from translation_worker.formats.xlsx_text import as_words, text_items

_FORMULA = re.compile(
    rb"<(?:\w+:)?(?:f|formula|formula1|formula2|definedName)(?:\s[^<>]*)?>([^<]*)<"
)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
# A table's column in a formula, which is not the number of another workbook.
_COLUMN_REFERENCE = re.compile(r"\[(?!\d+\])")
_HEADING_ATTRIBUTES = ("name", "totalsRowLabel")
_ESCAPED_LINE_BREAK = re.compile(r"(?:_x000[Dd]_)?(?:_x000[Aa]_|\n)|_x000[Dd]_")
# What Excel takes as a column's name.
_MAX_NAME_CHARACTERS = 255


class FormulaWords:
    """What the formulas of a workbook say; `add` takes the bytes of its parts."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.names_columns = False

    def add(self, part: bytes) -> None:
        """Take in the formulas of a part, read by their form: sheets are too large to parse."""
        for match in _FORMULA.finditer(part):
            formula = unescape(match[1].decode("utf-8", "replace"))
            outside = _QUOTED.sub("", formula)
            self.names_columns = self.names_columns or bool(_COLUMN_REFERENCE.search(outside))
            for quoted in _QUOTED.findall(formula):
                text = quoted.replace('""', '"')
                # A list of choices is one quoted text with commas.
                self.words |= {text, *(one.strip() for one in text.split(","))}


class HeadingSlot(AttributeSlot):
    """A table's column, named as its heading reads."""

    def items(self) -> list[Item]:
        """Return the name as the cell's text is taken apart."""
        return text_items(_unescaped(self._element.get(self._name, "")))

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Name the column otherwise."""
        del language
        name = plain_words(map(as_words, items))
        self._element.set(self._name, name.replace("\n", "_x000a_"))


def column_names(root: etree._Element) -> list[str]:
    """Return the names of a table's columns, with their line breaks."""
    return [_unescaped(column.get("name", "")) for column in root.iter("{*}tableColumn")]


def heading_slots(root: etree._Element, ids: Mapping[str, str]) -> list[Slot]:
    """Return the names in a table that are translated as the text of that id is."""
    slots: list[Slot] = []
    for column in root.iter("{*}tableColumn"):
        for name in _HEADING_ATTRIBUTES:
            text = _unescaped(column.get(name, ""))
            if text in ids:
                slots.append(HeadingSlot(column, name, ids[text], "table heading"))
    return slots


def clashing_ids(
    names: list[str], ids: Mapping[str, str], translations: Mapping[str, Content]
) -> set[str]:
    """Return the ids of a table's headings whose translations cannot be names beside the others."""
    clashing: set[str] = set()
    seen: dict[str, str] = {}
    for name in names:
        segment_id = ids.get(name, "")
        content = translations.get(segment_id)
        text = name if content is None else plain_text(content)
        folded = text.strip().casefold()
        if not folded or len(text) > _MAX_NAME_CHARACTERS or folded in seen:
            clashing |= {segment_id, seen.get(folded, "")}
        seen[folded] = segment_id
    return clashing - {""}


def _unescaped(name: str) -> str:
    return _ESCAPED_LINE_BREAK.sub("\n", name)
