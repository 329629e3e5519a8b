"""Text in DrawingML: the paragraphs of slides, shapes, charts and diagrams.

ECMA-376 part 1, chapters 20 to 21. Slides are made of it; in the other formats it is in drawings.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from lxml import etree

from translation_worker.formats.office_items import PLAIN, Fixed, Item, Piece, Style, Words
from translation_worker.formats.office_slots import Slot, TextSlot, build
from translation_worker.formats.safe_xml import xml_text
from translation_worker.formats.word_languages import is_right_to_left, primary, regional

# Of a run's properties, what no reader sees.
_UNSEEN_ATTRIBUTES = frozenset(
    {"altLang", "bmk", "dirty", "err", "kern", "lang", "noProof", "smtClean", "smtId", "spc"}
)
_LINE_BREAK = re.compile(r"[\t\n\r\v]+")
_NOT_CONTENT = frozenset({"pPr", "endParaRPr"})


class DrawingParagraph:
    """A paragraph that holds words; `key` and `context` as a slot has them."""

    def __init__(self, element: etree._Element, key: str, context: str) -> None:
        self._element = element
        self.key = key
        self.context = context

    def items(self) -> list[Item]:
        """Return what the paragraph holds."""
        return list(self._items())

    def fill(self, items: Sequence[Item], language: str) -> None:
        """Put something else in, as words of `language`."""
        if is_right_to_left(language):
            self._set_right_to_left()
        end = [one for one in self._element if _name(one) == "endParaRPr"]
        for element in list(self._element):
            if _name(element) != "pPr":
                self._element.remove(element)

        def run_of(words: Words) -> etree._Element:
            namespace = etree.QName(self._element).namespace
            run = etree.Element(f"{{{namespace}}}r", nsmap=self._element.nsmap)
            if words.style.source is not None:
                properties = deepcopy(words.style.source)
                properties.tail = None
                set_language(properties, language)
                run.append(properties)
            text = etree.SubElement(run, f"{{{namespace}}}t")
            text.text = xml_text(_LINE_BREAK.sub(" ", words.text))
            return run

        build(
            self._element,
            items,
            run_of=run_of,
            run_around=lambda element, _: element,
            inside=lambda element: element,
        )
        self._element.extend(end)

    def _set_right_to_left(self) -> None:
        properties = self._element.find("{*}pPr")
        if properties is None:
            namespace = etree.QName(self._element).namespace
            properties = etree.Element(f"{{{namespace}}}pPr", nsmap=self._element.nsmap)
            self._element.insert(0, properties)
        properties.set("rtl", "1")

    def _items(self) -> Iterator[Item]:
        for element in self._element.iterchildren("{*}*"):
            name = _name(element)
            if name == "r":
                text = element.find("{*}t")
                words = "" if text is None else text.text or ""
                yield Words(_LINE_BREAK.sub(" ", words), _run_style(element))
            elif name not in _NOT_CONTENT:
                yield Fixed((Piece(element),))


def drawing_slots(root: etree._Element, context: str = "") -> list[Slot]:
    """Return the paragraphs of a part, in its order."""
    slots: list[Slot] = []
    for index, element in enumerate(root.iter("{*}p")):
        if _is_drawing(element):
            slots.append(DrawingParagraph(element, f"p{index}", context or _context(element)))
    return slots


def chart_slots(root: etree._Element, cell_ids: Mapping[str, str] | None = None) -> list[Slot]:
    """Return the titles of a chart, and the names of its series and categories.

    With `cell_ids`, the names are those of cells, and translated as the cell of that text is.
    """
    slots = drawing_slots(root, "chart title")
    for index, text in enumerate(root.iter("{*}v")):
        point = text.getparent()
        cache = None if point is None else point.getparent()
        if cache is None or _name(cache) not in {"strCache", "strLit"}:
            continue
        if cell_ids is None:
            slots.append(TextSlot(text, f"v{index}", "chart label"))
        elif (text.text or "") in cell_ids:
            slots.append(TextSlot(text, cell_ids[text.text or ""], "chart label"))
    return slots


def set_language(element: etree._Element, language: str) -> bool:
    """Set the language that run properties name, if they name any; tell if it was another."""
    before = element.get("lang")
    if not before or not language:
        return False
    if primary(before) == primary(language) and "-" not in language:
        return False
    element.set("lang", regional(language))
    return before != element.get("lang")


def _run_style(run: etree._Element) -> Style:
    properties = run.find("{*}rPr")
    if properties is None:
        return PLAIN
    attributes = sorted(item for item in properties.items() if item[0] not in _UNSEEN_ATTRIBUTES)
    children = "".join(
        _key(one) for one in properties.iterchildren("{*}*") if _name(one) != "extLst"
    )
    return Style(
        f"{attributes}{children}" if attributes or children else "",
        properties,
        raised=properties.get("baseline", "0") not in {"0", "0%"},
        marks_space=properties.get("u", "none") != "none"
        or properties.get("strike", "noStrike") != "noStrike"
        or properties.find("{*}highlight") is not None,
    )


def _key(element: etree._Element) -> str:
    inner = "".join(map(_key, element.iterchildren("{*}*")))
    return f"<{element.tag!s} {sorted(element.items())}>{inner}</>"


def _name(element: etree._Element) -> str:
    tag: object = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _is_drawing(element: etree._Element) -> bool:
    namespace = etree.QName(element).namespace or ""
    return namespace.endswith(("/drawingml/2006/main", "/ooxml/drawingml/main"))


def _context(element: etree._Element) -> str:
    """Return what a paragraph is, by the shape that it is in."""
    for ancestor in element.iterancestors():
        if _name(ancestor) == "tc":
            return "table cell"
        if _name(ancestor) == "sp":
            place = ancestor.find("{*}nvSpPr/{*}nvPr/{*}ph")
            kind = "" if place is None else place.get("type", "")
            return "heading" if kind in {"title", "ctrTitle", "subTitle"} else ""
    return ""
