"""Which part of an Office Open XML package is what, as the package says it.

The names of parts are the writer's choice; their content types are not (ECMA-376 part 2, 10.1.2).
"""

import re
from collections.abc import Collection, Mapping

from lxml import etree

from translation_worker.formats.codec import DocumentLimits
from translation_worker.formats.office_codec import PartKind
from translation_worker.formats.office_slots import Slot, TextSlot
from translation_worker.formats.package_records import damaged
from translation_worker.formats.packages import Package
from translation_worker.formats.safe_xml import parse_xml

TYPES_PART = "[Content_Types].xml"
_NUMBER = re.compile(r"(\d+)")
_CORE_PROPERTIES = "application/vnd.openxmlformats-package.core-properties+xml"


def parts_of_kinds(
    package: Package,
    limits: DocumentLimits,
    kinds: Mapping[str, PartKind],
    *,
    skipped: Collection[str] = (),
    with_title: bool = True,
) -> dict[str, PartKind]:
    """Return the parts whose content type ends in a key of `kinds`, in the order of the keys.

    Parts of one kind are in the order of their numbers. The document's title comes last. Raises
    DocumentError if the package does not say what its parts are.
    """
    if with_title:
        kinds = {**kinds, _CORE_PROPERTIES: PartKind(_title_slots)}
    types = _content_types(package, limits)
    chosen: dict[str, PartKind] = {}
    for ending, kind in kinds.items():
        names = [name for name, content_type in types.items() if content_type.endswith(ending)]
        names = [name for name in names if name not in skipped]
        chosen |= {name: kind for name in sorted(names, key=_natural) if name in package}
    return chosen


def _content_types(package: Package, limits: DocumentLimits) -> dict[str, str]:
    if TYPES_PART not in package:
        raise damaged("The package does not say what its parts are.")
    root = parse_xml(package.read(TYPES_PART), limits).getroot()
    by_extension: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for element in root.iterchildren("{*}*"):
        content_type = element.get("ContentType", "")
        if etree.QName(element).localname == "Default":
            by_extension[element.get("Extension", "").lower()] = content_type
        else:
            by_name[element.get("PartName", "").removeprefix("/")] = content_type
    return {
        name: by_name.get(name, by_extension.get(name.rpartition(".")[2].lower(), ""))
        for name in package.names
    }


def _title_slots(root: etree._Element) -> list[Slot]:
    return [
        TextSlot(element, "title", "document title")
        for element in root.iterchildren("{http://purl.org/dc/elements/1.1/}title")
    ]


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort "slide10" behind "slide9"."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _NUMBER.split(name)]
