"""Cells of CSV and where they stand, so that they can be patched in the source.

The delimiter is found out by its regular number in the first lines. Quotes are doubled within
quotes (RFC 4180); a quote that never ends is one of the cell's own characters.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT_CHARACTERS = 64 * 1024
_LOOKED_AT_ROWS = 50
_ROWS_BETWEEN_STOPS = 2000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `start` and `end` are those of what its quotes hold, if it has any."""

    row: int
    column: int
    start: int
    end: int
    is_quoted: bool

    def value(self, text: str) -> str:
        """Return what the cell stands for."""
        raw = text[self.start : self.end]
        return raw.replace('""', '"') if self.is_quoted else raw


def find_delimiter(text: str) -> str:
    """Return the delimiter that parts the first rows into the most columns of equal number."""
    sample = text[:_LOOKED_AT_CHARACTERS]

    def score(delimiter: str) -> tuple[float, int]:
        counts: dict[int, int] = {}
        for cell in cells(sample, delimiter, lambda: None):
            if cell.row >= _LOOKED_AT_ROWS:
                break
            counts[cell.row] = cell.column + 1
        widths = list(counts.values())
        # The last row may be cut off.
        widths = widths[:-1] if len(widths) > 1 and len(sample) < len(text) else widths
        usual = max(set(widths), key=widths.count, default=1)
        if usual == 1:
            return (0, 0)
        return (widths.count(usual) / len(widths), usual)

    return max(_DELIMITERS, key=score)


def cells(text: str, delimiter: str, stop: Callable[[], None]) -> Iterator[Cell]:
    """Yield the cells, row by row; empty lines are rows of one empty cell."""
    mark = re.escape(delimiter)
    pattern = re.compile(
        rf'(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"(?={mark}|[\r\n]|\Z)|(?P<bare>[^{mark}\r\n]*+))'
        rf"(?P<end>{mark}|\r\n|\r|\n|\Z)"
    )
    last_quote = text.rfind('"')
    bare = re.compile(rf"(?P<bare>[^{mark}\r\n]*+)(?P<end>{mark}|\r\n|\r|\n|\Z)")
    position = row = column = 0
    while position <= len(text):
        # Past the last quote none can end, which would be looked for in vain each time.
        match = (pattern if position < last_quote else bare).match(text, position)
        if match is None:
            return
        is_quoted = match.re is pattern and match["quoted"] is not None
        start, end = match.span("quoted" if is_quoted else "bare")
        yield Cell(row, column, start, end, is_quoted)
        position = match.end()
        if match["end"] == delimiter:
            column += 1
            continue
        if position >= len(text):
            return
        row, column = row + 1, 0
        if row % _ROWS_BETWEEN_STOPS == 0:
            stop()
