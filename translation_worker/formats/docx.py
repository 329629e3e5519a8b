"""Word documents: the text of all their stories, and of the charts and diagrams in them."""

from collections.abc import Collection, Mapping

from lxml import etree

from translation_worker.formats.codec import CodecOptions
from translation_worker.formats.docx_fields import find_fields
from translation_worker.formats.docx_names import child, local_name
from translation_worker.formats.docx_paragraph import Story, WordParagraph
from translation_worker.formats.docx_styles import WordStyles, is_monospaced, style_id
from translation_worker.formats.office_codec import OfficeCodec, PartKind
from translation_worker.formats.office_descriptions import description_slots
from translation_worker.formats.office_drawing import chart_slots, drawing_slots
from translation_worker.formats.office_slots import Slot
from translation_worker.formats.office_types import TYPES_PART, parts_of_kinds
from translation_worker.formats.packages import Package
from translation_worker.formats.safe_xml import parse_xml
from translation_worker.formats.word_languages import set_default_language

_STORIES = {
    "wordprocessingml.document.main+xml": "",
    "wordprocessingml.template.main+xml": "",
    "ms-word.document.macroEnabled.main+xml": "",
    "ms-word.template.macroEnabledTemplate.main+xml": "",
    "wordprocessingml.header+xml": "header",
    "wordprocessingml.footer+xml": "footer",
    "wordprocessingml.footnotes+xml": "footnote",
    "wordprocessingml.endnotes+xml": "endnote",
    "wordprocessingml.comments+xml": "comment",
}
_STYLES = "wordprocessingml.styles+xml"
_PLACES = {"tc": "table cell", "txbxContent": "text box"}
_ALTERNATES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


class DocxCodec(OfficeCodec):
    """Reads and writes Word documents."""

    name = "docx"
    description = "Word document: text, tables, notes, comments, headers, text boxes and charts."
    extensions = (".docx", ".docm", ".dotx", ".dotm")
    media_types = (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        "application/vnd.ms-word.document.macroenabled.12",
    )

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the names of the parts."""
        del head
        return TYPES_PART in members and "word/document.xml" in members

    def parts(self, package: Package, options: CodecOptions) -> Mapping[str, PartKind]:
        """Return the stories, drawings and properties of the document."""
        limits = options.limits
        styles = WordStyles()
        for name in parts_of_kinds(package, limits, {_STYLES: PartKind()}):
            if "/styles" in f"/{name}":
                styles = WordStyles(parse_xml(package.read(name), limits).getroot())
        return parts_of_kinds(
            package,
            limits,
            {
                **{ending: _story_kind(styles, place) for ending, place in _STORIES.items()},
                "drawingml.chart+xml": PartKind(chart_slots),
                "drawingml.diagramData+xml": PartKind(drawing_slots),
                "drawingml.diagramDrawing+xml": PartKind(drawing_slots),
                _STYLES: PartKind(set_language=set_default_language),
            },
        )


def _story_kind(styles: WordStyles, place: str) -> PartKind:
    return PartKind(lambda root: _story_slots(root, styles, place))


def _story_slots(root: etree._Element, styles: WordStyles, place: str) -> list[Slot]:
    story = Story(
        styles, find_fields(root), styles.has_code_fonts and not _is_mostly_monospaced(root)
    )
    paragraphs = [one for one in root.iter("{*}p") if local_name(one) == "p"]
    keys = {paragraph: f"p{index}" for index, paragraph in enumerate(paragraphs)}
    for twin, paragraph in _twins(root).items():
        keys[twin] = keys[paragraph]
    slots: list[Slot] = []
    for paragraph in paragraphs:
        style = style_id(child(paragraph, "pPr"), "pStyle")
        if style not in styles.code:
            context = "heading" if style in styles.headings else place or _place(paragraph)
            slots.append(WordParagraph(paragraph, story, keys[paragraph], context))
    return [*slots, *description_slots(root)]


def _twins(root: etree._Element) -> dict[etree._Element, etree._Element]:
    """Return the paragraphs that repeat others for older programs, with those others."""
    twins: dict[etree._Element, etree._Element] = {}
    for alternates in root.iter(_ALTERNATES + "AlternateContent"):
        choices = _paragraphs(alternates.find(_ALTERNATES + "Choice"))
        fallbacks = _paragraphs(alternates.find(_ALTERNATES + "Fallback"))
        if len(choices) != len(fallbacks):
            continue
        for choice, fallback in zip(choices, fallbacks, strict=True):
            if _text(choice) == _text(fallback):
                twins.setdefault(fallback, twins.get(choice, choice))
    return twins


def _paragraphs(parent: etree._Element | None) -> list[etree._Element]:
    return [] if parent is None else [one for one in parent.iter("{*}p") if local_name(one) == "p"]


def _text(paragraph: etree._Element) -> str:
    return "".join(text.text or "" for text in paragraph.iter("{*}t"))


def _place(paragraph: etree._Element) -> str:
    for ancestor in paragraph.iterancestors():
        if place := _PLACES.get(local_name(ancestor)):
            return place
    return ""


def _is_mostly_monospaced(root: etree._Element) -> bool:
    """Tell whether more than half of a story is in a font for code, which then means nothing."""
    monospaced = total = 0
    for run in root.iter("{*}r"):
        if local_name(run) == "r":
            length = sum(len(text.text or "") for text in run.iterchildren("{*}t"))
            total += length
            monospaced += length if is_monospaced(run) else 0
    return monospaced * 2 > total
