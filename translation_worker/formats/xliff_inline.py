"""Inline elements of XLIFF: an element's words and codes to content, and back.

Codes that enclose words are pairs of tags; all others, with whatever is in them, are tags that
stand alone. A tag's element is copied with its attributes, so the codes of a target are those of
its source (XLIFF 1.2 section 2.4, XLIFF 2.0 section 4.2.3).
"""

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from translation_worker.document import (
    Content,
    Tag,
    TagKind,
    content_of,
    is_well_formed,
    plain_text,
    tags_of,
)
from translation_worker.formats.safe_xml import xml_text

_PAIRED = frozenset({"g", "pc", "mrk"})


@dataclass(frozen=True, slots=True)
class InlineText:
    """The words and codes of an element; space around them is kept apart."""

    content: Content
    elements: dict[int, etree._Element]
    lead: str
    tail: str

    def fits(self, content: Content) -> bool:
        """Tell whether a translation has the same codes."""
        same = Counter(tags_of(content)) == Counter(tags_of(self.content))
        return same and is_well_formed(content)

    def fill(self, element: etree._Element, content: Content) -> None:
        """Put a translation that fits into an element, in the place of what is in it."""
        for child in list(element):
            element.remove(child)
        element.text = None
        opened = [element]
        for part in (self.lead, *content, self.tail):
            if isinstance(part, str):
                _append_text(opened[-1], xml_text(part))
            elif part.kind is TagKind.CLOSING:
                opened.pop()
            else:
                made = _copied(self.elements[part.number], deep=part.kind is TagKind.ALONE)
                opened[-1].append(made)
                if part.kind is TagKind.OPENING:
                    opened.append(made)


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace; empty for comments and the like."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def inline_text(element: etree._Element) -> InlineText:
    """Return what an element holds."""
    elements: dict[int, etree._Element] = {}
    parts = list(content_of(list(_parts(element, elements))))
    lead = tail = ""
    if parts and isinstance(parts[0], str):
        words = parts[0].lstrip()
        lead, parts[0] = parts[0][: len(parts[0]) - len(words)], words
    if parts and isinstance(parts[-1], str):
        words = parts[-1].rstrip()
        tail, parts[-1] = parts[-1][len(words) :], words
    return InlineText(content_of(parts), elements, lead, tail)


def words_of(element: etree._Element | None) -> str:
    """Return the words of an element without the space around them; none, if it is None."""
    return "" if element is None else plain_text(inline_text(element).content).strip()


def _parts(element: etree._Element, elements: dict[int, etree._Element]) -> Iterator[str | Tag]:
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name:
            number = len(elements) + 1
            elements[number] = child
            if name in _PAIRED and not _is_protected(child):
                yield Tag(number, TagKind.OPENING)
                yield from _parts(child, elements)
                yield Tag(number, TagKind.CLOSING)
            else:
                yield Tag(number, TagKind.ALONE)
        yield child.tail or ""


def _is_protected(element: etree._Element) -> bool:
    return element.get("mtype") == "protected" or element.get("translate") == "no"


def _copied(element: etree._Element, *, deep: bool) -> etree._Element:
    if deep:
        made = copy.deepcopy(element)
        made.tail = None
        return made
    # Prefixes that attributes need are declared where they were.
    return etree.Element(element.tag, dict(element.attrib), element.nsmap)


def _append_text(element: etree._Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text
