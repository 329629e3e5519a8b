"""Codec of CSV: the cells that people read are patched in the source, which stays as it is.

The first row stays, as programs know columns by it. Without rules, a column is translated if most
of its cells read like text.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, content_of, plain_text
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.csv_table import Cell, cells, find_delimiter
from translation_worker.formats.text import unified_lines, with_line_ends_of
from translation_worker.formats.text_encoding import EncodedText, decode, read_bytes
from translation_worker.formats.text_paragraphs import paragraphs
from translation_worker.formats.text_prose import is_prose, is_text_name
from translation_worker.formats.text_slots import SliceText, Slot, counted, fill, has_words, shown

_MAX_CELLS = 5_000_000
_MAX_COLUMNS = 16_384
# Rows that are looked at to tell whether a column is text.
_LOOKED_AT_ROWS = 1000
_LINE_END = frozenset("\r\n")
_ANNOUNCED_DELIMITER = re.compile(r"sep=([,;\t|])[\r\n]", re.IGNORECASE)


class CsvCodec:
    """Reads and writes comma-separated values, and such with tabs, semicolons or bars."""

    name = "csv"
    description = "CSV and TSV; columns that read like text, or the columns that are named."
    extensions = (".csv", ".tsv", ".tab")
    media_types = ("text/csv", "text/tab-separated-values")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:  # noqa: ARG002 - protocol
        """Return False: every text may be one of one column."""
        return False

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the cells that people read. Raises DocumentError."""
        table = _Table(_decoded(path, options).text, options)
        return [slot.segment for slot in counted(table.slots(), options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,  # noqa: ARG002 - protocol; CSV does not tell its language
        options: CodecOptions,
    ) -> Written:
        """Write the table with its cells translated. Raises DocumentError."""
        source = _decoded(path, options)
        table = _Table(source.text, options)
        slots = list(counted(table.slots(), options))
        text, notes = fill(source.text, slots, translations, table.render)
        data, is_kept = source.encode(text)
        target.write_bytes(data)
        return Written(notes=notes if is_kept else {**notes, "encoding_changed": 1})


def _decoded(path: Path, options: CodecOptions) -> EncodedText:
    return decode(read_bytes(path, options.limits))


class _Table:
    """One table, and which of its columns are translated."""

    def __init__(self, text: str, options: CodecOptions) -> None:
        self._text = text
        self._options = options
        # Spreadsheet programs write their delimiter into a line of its own.
        announced = _ANNOUNCED_DELIMITER.match(text)
        self._delimiter = announced[1] if announced else find_delimiter(text)
        self._header_row = 1 if announced else 0
        self._names = self._header()
        self._columns = self._named_columns() if options.record_rules else self._text_columns()
        self._bare_starts: set[int] = set()

    def slots(self) -> Iterator[Slot]:
        """Yield the slots of the columns that are translated, row by row."""
        for cell in self._cells():
            if cell.row <= self._header_row or cell.column not in self._columns:
                continue
            name = shown(self._name(cell.column))
            if cell.is_quoted:
                yield from self._quoted_slots(cell, name)
                continue
            segment_id = f"r{cell.row}c{cell.column}"
            words = cell.value(self._text).strip()
            if has_words(words):
                self._bare_starts.add(cell.start)
                yield Slot(Segment(segment_id, content_of([words]), name), cell.start, cell.end)

    def render(self, slot: Slot, content: Content, slice_text: SliceText) -> str:
        """Return what a cell is to hold, in quotes if it needs them now."""
        source = slice_text(slot.start, slot.end)
        words = with_line_ends_of(source, plain_text(content))
        escaped = words.replace('"', '""')
        if slot.start not in self._bare_starts:
            return escaped
        if self._delimiter in words or words.startswith('"') or _LINE_END & set(words):
            return f'"{escaped}"'
        lead = len(source) - len(source.lstrip())
        return f"{source[:lead]}{words}{source[len(source.rstrip()) :]}"

    def _cells(self) -> Iterator[Cell]:
        found = cells(self._text, self._delimiter, self._options.stop)
        for count, cell in enumerate(found, 1):
            if count > _MAX_CELLS or cell.column > _MAX_COLUMNS:
                raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
            yield cell

    def _quoted_slots(self, cell: Cell, name: str) -> Iterator[Slot]:
        raw = self._text[cell.start : cell.end]
        ranges = list(paragraphs(raw))
        # A cut between the two quotes that stand for one would leave each without the other.
        if any(raw[start:end].count('"') % 2 for start, end in ranges):
            ranges = [(0, len(raw))]
        number = 0
        for start, end in ranges:
            words = unified_lines(raw[start:end].replace('""', '"'))
            if has_words(words):
                number += 1
                suffix = f"#{number}" if number > 1 else ""
                segment = Segment(f"r{cell.row}c{cell.column}{suffix}", content_of([words]), name)
                yield Slot(segment, cell.start + start, cell.start + end)

    def _header(self) -> list[str]:
        names: list[str] = []
        for cell in self._cells():
            if cell.row > self._header_row:
                break
            if cell.row == self._header_row:
                names.append(cell.value(self._text).strip())
        return names

    def _name(self, column: int) -> str:
        return self._names[column] if column < len(self._names) else ""

    def _named_columns(self) -> frozenset[int]:
        rules = self._options.record_rules
        wanted = frozenset(rules.target_fields if rules else ())
        return frozenset(column for column, name in enumerate(self._names) if name in wanted)

    def _text_columns(self) -> frozenset[int]:
        values: dict[int, list[str]] = {}
        for cell in self._cells():
            if cell.row > _LOOKED_AT_ROWS:
                break
            value = cell.value(self._text).strip()
            if cell.row > self._header_row and value:
                values.setdefault(cell.column, []).append(value)
        return frozenset(
            column for column, found in values.items() if _is_text(found, self._name(column))
        )


def _is_text(values: Sequence[str], name: str) -> bool:
    """Tell whether a column is text: most of its cells are, and it is no list of names."""
    prose = [value for value in values if is_prose(value, name)]
    if 2 * len(prose) < len(values):
        return False
    # Single words that hardly repeat are rather names of people or places than labels.
    has_sentences = any(" " in value for value in prose)
    return has_sentences or is_text_name(name) or 2 * len(set(prose)) <= len(prose)
