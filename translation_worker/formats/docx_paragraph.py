"""A paragraph of a Word document: taken apart into items, and built again.

Runs hold words and much else. Tracked insertions, links and controls around runs are groups; what
was deleted, drawings, breaks, tabs, notes' references, mathematics and code stay as they are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from translation_worker.formats.docx_fields import FieldPlace, has_words
from translation_worker.formats.docx_names import (
    child,
    local_name,
    sibling_tag,
    word_attribute,
)
from translation_worker.formats.docx_styles import WordStyles, is_monospaced, run_style, style_id
from translation_worker.formats.office_items import (
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
from translation_worker.formats.office_slots import build
from translation_worker.formats.safe_xml import XML_SPACE, xml_text
from translation_worker.formats.word_directions import (
    set_paragraph_right_to_left,
    set_run_right_to_left,
)
from translation_worker.formats.word_languages import is_right_to_left, set_run_language

# They say where an editor has been, and tell nothing about a text that is written anew.
_FORGOTTEN = frozenset({"lastRenderedPageBreak", "proofErr", "softHyphen"})
# Elements around runs: what is in them is words of the paragraph.
_GROUPS = frozenset({"bdo", "customXml", "dir", "hyperlink", "ins", "moveTo", "sdt"})
# The same, but of no use once the words are others.
_UNWRAPPED = frozenset({"smartTag"})
_GROUP_PROPERTIES = frozenset({"customXmlPr", "sdtContent", "sdtEndPr", "sdtPr", "smartTagPr"})
# Controls whose words are chosen from a list, or made by a program.
_CHOSEN = frozenset(
    {"checkbox", "comboBox", "date", "dropDownList", "equation", "picture", "bibliography"}
)
_MARK_NAME = re.compile(r"(bookmark|commentRange|perm)(Start|End)")
# Bookmarks that the editor sets for itself; they may as well enclose nothing.
_OWN_BOOKMARK = re.compile(r"_GoBack|_Hlk\d+|OLE_LINK\d+")
_LINE_BREAK = re.compile(r"[\t\n\r]+")


@dataclass(frozen=True, slots=True)
class Story:
    """What is to be known of a part to read its paragraphs."""

    styles: WordStyles
    fields: Mapping[etree._Element, FieldPlace]
    has_code_fonts: bool


class WordParagraph:
    """A paragraph that holds words; `key` and `context` as a slot has them."""

    def __init__(self, element: etree._Element, story: Story, key: str, context: str) -> None:
        self._element = element
        self._story = story
        self.key = key
        self.context = context

    def items(self) -> list[Item]:
        """Return what the paragraph holds."""
        own_marks: set[object] = set()
        return pair_marks(self._items_in(self._element, own_marks))

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in, as words of `language`."""
        _clear(self._element)
        for item in items:
            if isinstance(item, Opening) and item.group.wrapper is not None:
                _clear(_inside(item.group.wrapper))

        from_right = is_right_to_left(language)
        if from_right:
            set_paragraph_right_to_left(self._element)

        def run_of(words: Words) -> etree._Element:
            run = _new_run(self._element, words.style, language)
            if from_right:
                set_run_right_to_left(run)
            text = etree.SubElement(run, sibling_tag(self._element, "t"))
            text.text = xml_text(_LINE_BREAK.sub(" ", words.text))
            if text.text != text.text.strip():
                text.set(XML_SPACE, "preserve")
            return run

        def run_around(element: etree._Element, style: Style) -> etree._Element:
            run = _new_run(self._element, style, "")
            run.append(element)
            return run

        build(self._element, items, run_of=run_of, run_around=run_around, inside=_inside)

    def _items_in(self, parent: etree._Element, own_marks: set[object]) -> Iterator[Item | Mark]:
        for element in parent:
            name = local_name(element)
            if name in _FORGOTTEN or name == "pPr" or name in _GROUP_PROPERTIES:
                continue
            if name == "r":
                yield from self._items_of_run(element)
            elif name in _UNWRAPPED:
                yield from self._items_in(element, own_marks)
            elif (name in _GROUPS or _is_worded_field(element)) and not _is_chosen(element):
                yield from self._items_of_group(element, own_marks)
            elif (match := _MARK_NAME.fullmatch(name)) is not None:
                yield from _items_of_mark(element, match, own_marks)
            else:
                yield Fixed((Piece(element),))

    def _items_of_group(
        self, element: etree._Element, own_marks: set[object]
    ) -> Iterator[Item | Mark]:
        inner = list(self._items_in(_inside(element), own_marks))
        if not any(isinstance(item, Words) for item in inner):
            yield Fixed((Piece(element),))
            return
        group = Group(wrapper=element)
        yield Opening(group)
        yield from inner
        yield Closing(group)

    def _items_of_run(self, run: etree._Element) -> Iterator[Item | Mark]:
        style = run_style(run)
        contents = [one for one in run if local_name(one) != "rPr"]
        places = [self._story.fields.get(one) for one in contents]
        if self._is_code(run) and not any(places):
            yield Fixed((Piece(run),))
            return
        for element, place in zip(contents, places, strict=True):
            piece = Piece(element, style)
            name = local_name(element)
            if place is not None and place.field.has_words:
                yield Mark(place.field, not place.is_end, piece)
            elif place is not None:
                yield Fixed((piece,))
            elif name == "t":
                yield Words(_LINE_BREAK.sub(" ", element.text or ""), style)
            elif name == "noBreakHyphen":
                yield Words("\u2011", style)
            elif name not in _FORGOTTEN:
                yield Fixed((piece,))

    def _is_code(self, run: etree._Element) -> bool:
        properties = child(run, "rPr")
        if style_id(properties, "rStyle") in self._story.styles.code:
            return True
        return self._story.has_code_fonts and is_monospaced(run)


def _items_of_mark(
    element: etree._Element, match: re.Match[str], own_marks: set[object]
) -> Iterator[Item | Mark]:
    key = (match[1], word_attribute(element, "id"))
    piece = Piece(element)
    if match[2] == "Start" and _OWN_BOOKMARK.fullmatch(word_attribute(element, "name")):
        own_marks.add(key)
        yield Fixed((piece,))
    elif key in own_marks:
        yield Fixed((piece,))
    else:
        yield Mark(key, match[2] == "Start", piece)


def _is_worded_field(element: etree._Element) -> bool:
    return local_name(element) == "fldSimple" and has_words(word_attribute(element, "instr"))


def _is_chosen(element: etree._Element) -> bool:
    properties = child(element, "sdtPr") if local_name(element) == "sdt" else None
    if properties is None:
        return False
    return any(etree.QName(one).localname in _CHOSEN for one in properties.iterchildren("{*}*"))


def _inside(element: etree._Element) -> etree._Element:
    """Return where in a group's element its words are."""
    content = child(element, "sdtContent") if local_name(element) == "sdt" else None
    return element if content is None else content


def _clear(parent: etree._Element) -> None:
    """Take out all but the properties."""
    for element in list(parent):
        if local_name(element) not in {"pPr", *_GROUP_PROPERTIES}:
            parent.remove(element)


def _new_run(sibling: etree._Element, style: Style, language: str) -> etree._Element:
    run = etree.Element(sibling_tag(sibling, "r"), nsmap=sibling.nsmap)
    if style.source is not None:
        properties = deepcopy(style.source)
        properties.tail = None
        run.append(properties)
        if language:
            set_run_language(properties, language)
    return run
