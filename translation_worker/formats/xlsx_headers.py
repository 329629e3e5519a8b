"""Headers and footers of printed sheets: their words among the codes that Excel fills in.

ECMA-376 part 1, 18.3.1.46: "&C" and its like begin a section, "&P" is the page's number,
"&"Arial,Bold"" and "&12" are how the words look, "&&" is an ampersand.
"""

import html
import re
from collections.abc import Mapping, Sequence

from lxml import etree

from translation_worker.document import Content
from translation_worker.formats.office_codec import segment_id
from translation_worker.formats.office_items import Fixed, Item, Piece, Words
from translation_worker.formats.office_layout import lay_out
from translation_worker.formats.safe_xml import xml_text

# Excel takes a workbook with a longer one for damaged.
LONGEST_CHARACTERS = 255

_NAMES = tuple(
    f"{{*}}{which}{part}" for which in ("odd", "even", "first") for part in ("Header", "Footer")
)
_SECTION = re.compile(r"(?=&[LCRlcr])")
_CODE = re.compile(
    r"(&(?:\"[^\"]*\"|K(?:[0-9A-Fa-f]{6}|\d{2}[+-]\d{3})|[PN](?:[+-]\d+)?|\d{1,3}|[A-Za-z]))"
)
_IN_BYTES = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)\b[^<>]*>([^<]+)<")
_SIZE = re.compile(r"&\d+\Z")
_ESCAPED, _AMPERSAND = "&&", "&"


class _PageText:
    """A header or a footer, of which sections are replaced one by one."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element
        # An ampersand of the words is no code: it is kept out of the way as a character of its own.
        text = (element.text or "").replace(_ESCAPED, "\0")
        self.sections = [part for part in _SECTION.split(text) if part]

    def put(self, number: int, section: str) -> bool:
        """Replace a section; tell whether it had room."""
        sections = [*self.sections[:number], section, *self.sections[number + 1 :]]
        text = "".join(sections).replace("\0", _ESCAPED)
        if len(text) > LONGEST_CHARACTERS:
            return False
        self.sections = sections
        self._element.text = xml_text(text)
        return True


class HeaderSection:
    """A section with its words as a slot; `key` and `context` as a slot has them.

    `was_kept` tells that a translation found no room, and the source stands.
    """

    def __init__(self, page: _PageText, number: int, key: str, context: str) -> None:
        self._page = page
        self._number = number
        self.key = key
        self.context = context
        self.was_kept = False

    def items(self) -> list[Item]:
        """Return the words, and the codes as fixed pieces."""
        items: list[Item] = []
        for index, part in enumerate(_CODE.split(self._page.sections[self._number])):
            if index % 2:
                code = etree.Element("code")
                code.text = part
                items.append(Fixed((Piece(code),)))
            else:
                items.append(Words(part.replace("\0", _AMPERSAND)))
        return items

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in, if it is short enough; a header names no language."""
        del language
        section = ""
        for item in items:
            if isinstance(item, Words):
                words = item.text.replace(_AMPERSAND, "\0")
                # A digit would belong to the size before it.
                apart = " " if _SIZE.search(section) and words[:1].isdigit() else ""
                section += apart + words
            elif isinstance(item, Fixed):
                section += "".join(piece.element.text or "" for piece in item.pieces)
        self.was_kept = not self._page.put(self._number, section)


def header_slots(root: etree._Element) -> list[HeaderSection]:
    """Return the sections of a sheet's headers and footers."""
    slots: list[HeaderSection] = []
    for element in root.iter(*_NAMES):
        page = _PageText(element)
        context = "header" if str(element.tag).endswith("Header") else "footer"
        for number in range(len(page.sections)):
            slots.append(HeaderSection(page, number, f"h{len(slots)}", context))
    return slots


def has_header_words(data: bytes) -> bool:
    """Tell, without parsing it, whether a sheet's headers have words: most have codes at most."""
    texts = (match[1].decode(errors="replace") for match in _IN_BYTES.finditer(data))
    return any(
        any(map(str.isalpha, _CODE.sub("", html.unescape(text).replace(_ESCAPED, ""))))
        for text in texts
    )


def without_room(
    part_name: str, root: etree._Element, translations: Mapping[str, Content]
) -> set[str]:
    """Return the ids of the sections that have no room for their translation; fills `root`."""
    found: set[str] = set()
    for slot in header_slots(root):
        name = segment_id(part_name, slot)
        if name in translations:
            slot.fill(lay_out(slot.items()).arrange(translations[name]), "")
            if slot.was_kept:
                found.add(name)
    return found
