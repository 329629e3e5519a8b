"""Workbooks: the texts of cells and comments, of charts and shapes, of headers and footers.

Numbers, dates, formulas and the names of sheets stay.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from lxml import etree

from translation_worker.document import Content
from translation_worker.formats.codec import CodecOptions, DocumentLimits, Written
from translation_worker.formats.office_codec import OfficeCodec, PartKind
from translation_worker.formats.office_descriptions import description_slots
from translation_worker.formats.office_drawing import chart_slots, drawing_slots
from translation_worker.formats.office_slots import Slot, TextSlot
from translation_worker.formats.office_types import TYPES_PART, parts_of_kinds
from translation_worker.formats.packages import Package, open_package
from translation_worker.formats.safe_xml import parse_xml
from translation_worker.formats.xlsx_headers import has_header_words, header_slots, without_room
from translation_worker.formats.xlsx_names import (
    FormulaWords,
    clashing_ids,
    column_names,
    heading_slots,
)
from translation_worker.formats.xlsx_text import CellText

_STRINGS = "spreadsheetml.sharedStrings+xml"
_SHEET = "spreadsheetml.worksheet+xml"
_TABLE = "spreadsheetml.table+xml"
_PIVOT = "spreadsheetml.pivotCacheDefinition+xml"
_WORKBOOKS = ("spreadsheetml.sheet.main+xml", "ms-excel.sheet.macroEnabled.main+xml")
_INLINE = b"inlineStr"
# A larger sheet is not taken apart for its headers alone.
_MAX_SHEET_BYTES = 16 * 1024 * 1024


class XlsxCodec(OfficeCodec):
    """Reads and writes workbooks."""

    name = "xlsx"
    description = "Workbook: texts of cells, comments, charts, shapes and headers; never formulas."
    extensions = (".xlsx", ".xlsm", ".xltx")
    media_types = (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        "application/vnd.ms-excel.sheet.macroenabled.12",
    )

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the names of the parts."""
        del head
        return TYPES_PART in members and "xl/workbook.xml" in members

    def parts(self, package: Package, options: CodecOptions) -> Mapping[str, PartKind]:
        """Return the strings, sheets, comments, charts and tables of the workbook."""
        book = _Book(package, options.limits)
        return parts_of_kinds(
            package,
            options.limits,
            {
                _STRINGS: PartKind(lambda root: book.kept_out(_shared_strings(root))),
                _SHEET: PartKind(book.sheet_slots),
                "spreadsheetml.comments+xml": PartKind(_comments),
                "ms-excel.threadedcomments+xml": PartKind(_threaded_comments),
                "drawingml.chart+xml": PartKind(book.chart_slots),
                "officedocument.drawing+xml": PartKind(_drawing_slots),
                "drawingml.chartshapes+xml": PartKind(drawing_slots),
                _TABLE: PartKind(lambda root: heading_slots(root, book.ids)),
            },
            skipped=book.sheets_without_words,
        )

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the translated workbook to `target`, from the original at `path`.

        A heading whose translation another column of its table has already keeps its words, and so
        does the header of a page that would be longer than one may be.
        """
        with open_package(path, options.limits) as package:
            book = _Book(package, options.limits)
            clashing: set[str] = set()
            for names in book.tables:
                clashing |= clashing_ids(names, book.ids, translations)
            long: set[str] = set()
            for name, sheet in book.sheets.items():
                long |= without_room(name, sheet, translations)
        kept = {name: one for name, one in translations.items() if name not in clashing | long}
        super().write(path, kept, target, target_language, options)
        notes = {"table_headings_kept": len(clashing), "headers_kept": len(long)}
        return Written(notes={name: count for name, count in notes.items() if count})


class _Book:
    """What is to be known of a whole workbook to read its parts.

    `ids` are the segments of the texts of cells, `tables` the names of each table's columns,
    `sheets` those with words of their own.
    """

    def __init__(self, package: Package, limits: DocumentLimits) -> None:
        kinds = {kind: PartKind() for kind in (*_WORKBOOKS, _SHEET, _STRINGS, _TABLE, _PIVOT)}
        roots: dict[str, list[etree._Element]] = {kind: [] for kind in kinds}
        formulas = FormulaWords()
        self.sheets_without_words: set[str] = set()
        self.sheets: dict[str, etree._Element] = {}
        self.ids: dict[str, str] = {}
        texts: list[tuple[str, CellText]] = []
        for kind in kinds:
            for name in parts_of_kinds(package, limits, {kind: PartKind()}, with_title=False):
                data = package.read(name)
                if kind in {_SHEET, *_WORKBOOKS}:
                    formulas.add(data)
                if kind == _SHEET and not _has_words(data):
                    self.sheets_without_words.add(name)
                elif kind not in _WORKBOOKS:
                    root = parse_xml(data, limits).getroot()
                    roots[kind].append(root)
                    if kind == _SHEET:
                        self.sheets[name] = root
                    texts += ((name, text) for text in _texts(kind, root))
        self.tables = [column_names(root) for root in roots[_TABLE]]
        self._kept = formulas.words | {
            field.get("name", "") for root in roots[_PIVOT] for field in root.iter("{*}cacheField")
        }
        self._find_ids(texts, names_columns=formulas.names_columns)

    def _find_ids(self, texts: Iterable[tuple[str, CellText]], *, names_columns: bool) -> None:
        """Give equal texts one id, and leave out what has to stay."""
        headings = {name for names in self.tables for name in names}
        several: set[str] = set()
        styled: set[str] = set()
        for name, text in texts:
            words = text.text
            if words in self.ids:
                several.add(words)
            if not text.is_simple:
                styled.add(words)
            self.ids.setdefault(words, f"{name.removesuffix('.xml')}:{text.key}")
        for words in headings & self.ids.keys():
            # What reads the same in several styles may be translated in several ways, and what has
            # line breaks among its styles does not fit a name.
            ambiguous = words in styled and (words in several or "\n" in words)
            if ambiguous or names_columns:
                self._kept.add(words)
        self.ids = {words: one for words, one in self.ids.items() if words not in self._kept}

    def kept_out(self, texts: Iterator[CellText]) -> list[Slot]:
        """Return the texts without those that have to stay; equal ones are one segment."""
        kept: list[Slot] = []
        for text in texts:
            words = text.text
            if words not in self._kept:
                if text.is_simple:
                    text.key = self.ids.get(words, text.key)
                kept.append(text)
        return kept

    def sheet_slots(self, root: etree._Element) -> list[Slot]:
        """Return the texts of cells that lie in a sheet, and its headers and footers."""
        return [*self.kept_out(_inline_strings(root)), *header_slots(root)]

    def chart_slots(self, root: etree._Element) -> list[Slot]:
        """Return the texts of a chart, with the labels that repeat cells as those cells' texts."""
        return chart_slots(root, self.ids)


def _texts(kind: str, root: etree._Element) -> Iterator[CellText]:
    if kind == _STRINGS:
        yield from _shared_strings(root)
    elif kind == _SHEET:
        yield from _inline_strings(root)


def _has_words(sheet: bytes) -> bool:
    return _INLINE in sheet or (len(sheet) <= _MAX_SHEET_BYTES and has_header_words(sheet))


def _shared_strings(root: etree._Element) -> Iterator[CellText]:
    for index, element in enumerate(root.iterchildren("{*}si")):
        yield CellText(element, f"s{index}", "cell")


def _inline_strings(root: etree._Element) -> Iterator[CellText]:
    for index, element in enumerate(root.iter("{*}is")):
        yield CellText(element, f"s{index}", "cell")


def _drawing_slots(root: etree._Element) -> list[Slot]:
    return [*drawing_slots(root), *description_slots(root)]


def _comments(root: etree._Element) -> list[Slot]:
    return [
        CellText(element, f"c{index}", "comment")
        for index, element in enumerate(root.iter("{*}text"))
    ]


def _threaded_comments(root: etree._Element) -> list[Slot]:
    return [
        TextSlot(element, f"c{index}", "comment")
        for index, element in enumerate(root.iter("{*}text"))
    ]
