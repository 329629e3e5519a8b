"""Descriptions of pictures, shapes and tables, which are read aloud to those who cannot see them.

ECMA-376 part 1, 20.1.2.2.8 and 20.4.2.5; part 4, 19.1.2 for the older form; ODF 1.3 part 3, 19.16.
"""

from collections.abc import Iterable

from lxml import etree

from translation_worker.formats.office_slots import AttributeSlot, Slot, TextSlot

CONTEXT = "description of a picture"

_PROPERTIES = ("{*}docPr", "{*}cNvPr")
_OLDER_SHAPES = "{urn:schemas-microsoft-com:vml}*"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"


def description_slots(root: etree._Element) -> list[Slot]:
    """Return the descriptions and titles of what is drawn in a part of an Office Open XML file.

    A picture in Word says the same several times, which is one segment.
    """
    keys: dict[str, str] = {}
    slots: list[Slot] = []
    for element, name in _attributes(root):
        words = element.get(name, "")
        if words:
            key = keys.setdefault(words, f"d{len(keys)}")
            slots.append(AttributeSlot(element, name, key, CONTEXT))
    return slots


def odf_description_slots(root: etree._Element) -> list[Slot]:
    """Return the same of an OpenDocument file."""
    elements = root.iter(_SVG + "title", _SVG + "desc")
    return [TextSlot(element, f"d{index}", CONTEXT) for index, element in enumerate(elements)]


def _attributes(root: etree._Element) -> Iterable[tuple[etree._Element, str]]:
    for element in root.iter(*_PROPERTIES):
        yield element, "title"
        yield element, "descr"
    for element in root.iter(_OLDER_SHAPES):
        yield element, "alt"
