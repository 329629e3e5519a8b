"""OpenDocument files: texts, presentations and spreadsheets.

The words are the paragraphs of the content, of headers and footers, and of charts inside. What a
tracked change has deleted, formulas, numbers and code stay.
"""

import re
from collections.abc import Collection, Mapping

from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import CodecOptions, DocumentError
from translation_worker.formats.odt_names import OFFICE, STYLE, TABLE, TEXT
from translation_worker.formats.odt_paragraph import OdfParagraph
from translation_worker.formats.odt_styles import OdfStyles, set_language
from translation_worker.formats.office_codec import OfficeCodec, PartKind
from translation_worker.formats.office_descriptions import odf_description_slots
from translation_worker.formats.office_slots import Slot, TextSlot
from translation_worker.formats.packages import Package
from translation_worker.formats.word_languages import primary, regional, script

_CONTENT, _STYLES, _META = "content.xml", "styles.xml", "meta.xml"
_MANIFEST = "META-INF/manifest.xml"
_ENCRYPTION = re.compile(rb"<(?:\w+:)?encryption-data\b")
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_LANGUAGE = "{http://purl.org/dc/elements/1.1/}language"
# The first member of a package is its media type, as it is (ODF 1.3 part 2, 3.3).
_MEDIA_TYPE_OFFSET = 30
_HEADERS = re.compile(r".*\}(header|footer)(?:-left|-first)?")
_PLACES = {
    f"{OFFICE}annotation": "comment",
    f"{TEXT}note": "footnote",
    f"{TABLE}table-cell": "table cell",
}
_DELETED = f"{TEXT}tracked-changes"


class OdfCodec(OfficeCodec):
    """Reads and writes one kind of OpenDocument."""

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the media type that the package starts with."""
        del members
        stated = head[_MEDIA_TYPE_OFFSET:].removeprefix(b"mimetype")
        return any(
            stated.startswith(media_type.encode() + ending)
            for media_type in self.media_types
            for ending in (b"PK", b"-template")
        )

    def parts(self, package: Package, options: CodecOptions) -> Mapping[str, PartKind]:
        """Return the content, the styles with their headers, and the properties."""
        del options
        if _MANIFEST in package and _ENCRYPTION.search(package.read(_MANIFEST)):
            raise DocumentError(FailureReason.DOCUMENT_ENCRYPTED)
        inner = sorted(name for name in package.names if name.endswith("/" + _CONTENT))
        return {
            _CONTENT: PartKind(_content_slots, _set_style_language),
            **{name: PartKind(_content_slots) for name in inner},
            _STYLES: PartKind(_header_slots, _set_style_language),
            _META: PartKind(_title_slots, _set_document_language),
        }


class OdtCodec(OdfCodec):
    """Reads and writes OpenDocument texts."""

    name = "odt"
    description = "OpenDocument text: text, tables, notes, comments, headers and footers."
    extensions = (".odt", ".ott")
    media_types = ("application/vnd.oasis.opendocument.text",)


class OdpCodec(OdfCodec):
    """Reads and writes OpenDocument presentations."""

    name = "odp"
    description = "OpenDocument presentation: slides, notes, tables and comments."
    extensions = (".odp", ".otp")
    media_types = ("application/vnd.oasis.opendocument.presentation",)


class OdsCodec(OdfCodec):
    """Reads and writes OpenDocument spreadsheets."""

    name = "ods"
    description = "OpenDocument spreadsheet: texts of cells and comments; never formulas."
    extensions = (".ods", ".ots")
    media_types = ("application/vnd.oasis.opendocument.spreadsheet",)


def _content_slots(root: etree._Element) -> list[Slot]:
    styles = OdfStyles(root)
    slots: list[Slot] = []
    for index, paragraph in enumerate(root.iter(TEXT + "p", TEXT + "h")):
        line = [str(ancestor.tag) for ancestor in paragraph.iterancestors()]
        if styles.is_code(paragraph) or _DELETED in line or _is_computed(paragraph):
            continue
        place = next((_PLACES[tag] for tag in line if tag in _PLACES), "")
        context = "heading" if styles.is_heading(paragraph) else place
        slots.append(OdfParagraph(paragraph, styles, f"p{index}", context))
    return [*slots, *odf_description_slots(root)]


def _header_slots(root: etree._Element) -> list[Slot]:
    """Return the paragraphs of headers and footers; the rest are prompts for authors."""
    styles = OdfStyles(root)
    slots: list[Slot] = []
    for index, paragraph in enumerate(root.iter(TEXT + "p", TEXT + "h")):
        matches = (_HEADERS.fullmatch(str(one.tag)) for one in paragraph.iterancestors())
        match = next((match for match in matches if match and STYLE in match[0]), None)
        if match is not None:
            slots.append(OdfParagraph(paragraph, styles, f"p{index}", match[1]))
    return slots


def _is_computed(paragraph: etree._Element) -> bool:
    """Tell whether a paragraph shows a formula's result, a number or a date of a cell."""
    cell = paragraph.getparent()
    if cell is None or cell.tag != TABLE + "table-cell":
        return False
    kind = cell.get(OFFICE + "value-type", "string")
    stated = cell.get(OFFICE + "string-value")
    return cell.get(TABLE + "formula") is not None or kind != "string" or stated is not None


def _title_slots(root: etree._Element) -> list[Slot]:
    return [TextSlot(element, "title", "document title") for element in root.iter(_TITLE)]


def _set_style_language(root: etree._Element, language: str) -> bool:
    tag = regional(language)
    return set_language(root, primary(tag), tag.partition("-")[2], script(language))


def _set_document_language(root: etree._Element, language: str) -> bool:
    changed = False
    for element in root.iter(_LANGUAGE):
        if primary(element.text or "") != primary(language):
            element.text = regional(language)
            changed = True
    return changed
