"""Lines: runs on one baseline, without a gap that says that something else begins.

Text that runs at an angle is turned level first, so that everything after thinks in lines that go
from left to right. A gap, a vertical rule, dots that lead to a page number, and the sign of a list
item end a piece of a line; so columns and cells stay apart.
"""

# ruff: noqa: RUF001 - look-alike dots and dashes are what these patterns are about

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from translation_worker.formats.pdf.page_text import Box, Matrix, Run

# In ems. Words are rarely farther apart than this even in justified text.
_COLUMN_GAP = 1.05
_OVERLAP = 0.4
_WIDER_THAN_SPACES = 1.3
_WIDE_LETTER = 0.52
_WORDS_THAT_TELL = 3
_BASELINE_TOLERANCE = 0.18
_RAISED_LIMIT = 0.62
_SMALLER = 0.86
# Letters set apart by less than this belong together.
WORD_GAP = 0.14
_MARKER_GAP = 0.12

_LEADER = re.compile(r"^[\s.·․…_‥]{3,}$")
_MARKER = re.compile(
    r"^\s*(?:[•◦▪▫●○■□◆◇‣⁃∙·*–—\-➢✓✔❖]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)])\s*$"
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A run in the level frame: `x0` is its origin, `x1` where its ink ends, `y` its baseline."""

    run: Run
    x0: float
    x1: float
    y: float
    size: float


@dataclass(slots=True)
class Line:
    """A piece of a line; `right_limit` is where a neighbour to the right begins.

    `leader` are the dots after it, `text` is without the spaces between runs; `begins_item` tells
    that the sign of a list item stands before.
    """

    placed: list[Placed]
    right_limit: float | None = None
    leader: list[Placed] = field(default_factory=list)
    shares_row: bool = False
    begins_item: bool = False
    # Of most of its letters, so that a raised figure does not move the line.
    size: float = field(init=False)
    y: float = field(init=False)
    x0: float = field(init=False)
    x1: float = field(init=False)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        usual = max(self.placed, key=lambda p: (len(p.run.text.strip()), p.size))
        self.size, self.y = usual.size, usual.y
        self.x0 = self.placed[0].x0
        self.x1 = max(placed.x1 for placed in self.placed)
        self.text = "".join(placed.run.text for placed in self.placed)


@dataclass(frozen=True, slots=True)
class LevelPage:
    """The text of one direction on a page: `to_page` maps the level frame back."""

    to_page: Matrix
    lines: list[Line]


def level_pages(runs: Iterable[Run], vertical_rules: Sequence[Box]) -> list[LevelPage]:
    """Return the lines of a page, apart for each direction of text; mirrored text is left out."""
    directions: defaultdict[float, list[Run]] = defaultdict(list)
    for run in runs:
        m = run.matrix
        if m.a * m.d - m.b * m.c > 0 and run.size > 0:
            directions[round(math.degrees(math.atan2(m.b, m.a)) % 360, 0) % 360].append(run)
    pages = []
    for degrees, members in sorted(directions.items()):
        cosine, sine = _exact(degrees)
        to_level = Matrix(cosine, -sine, sine, cosine, 0, 0)
        to_page = Matrix(cosine, sine, -sine, cosine, 0, 0)
        rules = [to_level.box(rule) for rule in vertical_rules]
        rules = [rule for rule in rules if rule.height > rule.width]
        placed = [_place(run, to_level) for run in members]
        pages.append(LevelPage(to_page, _lines(placed, rules)))
    return pages


def _exact(degrees: float) -> tuple[float, float]:
    """Return cosine and sine, without an error at the right angles, where nearly all text is."""
    radians = math.radians(degrees)
    return round(math.cos(radians), 12), round(math.sin(radians), 12)


def _place(run: Run, to_level: Matrix) -> Placed:
    x, y = to_level.point(run.matrix.e, run.matrix.f)
    box = to_level.box(run.box)
    return Placed(run, x, max(box.x1, x), y, run.size)


def _lines(placed: list[Placed], rules: Sequence[Box]) -> list[Line]:
    rows: list[list[Placed]] = []
    for item in sorted(placed, key=lambda p: (-p.y, p.x0)):
        row = rows[-1] if rows else None
        if row and abs(row[0].y - item.y) <= _BASELINE_TOLERANCE * min(row[0].size, item.size):
            row.append(item)
        else:
            rows.append([item])
    lines: list[Line] = []
    for row in _with_raised(rows):
        lines += _pieces(sorted(row, key=lambda p: p.x0), rules)
    return lines


def _with_raised(rows: list[list[Placed]]) -> list[list[Placed]]:
    """Put raised and lowered small runs into the row whose letters they stand beside."""
    kept: list[list[Placed]] = []
    for number, row in enumerate(rows):
        homeless: list[Placed] = []
        for item in row:
            neighbours = (rows[n] for n in (number - 1, number + 1) if 0 <= n < len(rows))
            home = next((other for other in neighbours if _stands_beside(item, other)), None)
            (homeless if home is None else home).append(item)
        kept.append(homeless)
    return [row for row in kept if row]


def _stands_beside(item: Placed, row: Iterable[Placed]) -> bool:
    return any(
        item.size < _SMALLER * other.size
        and abs(item.y - other.y) <= _RAISED_LIMIT * other.size
        and (abs(item.x0 - other.x1) <= 0.3 * other.size or abs(other.x0 - item.x1) <= other.size)
        for other in row
    )


def _pieces(row: Sequence[Placed], rules: Sequence[Box]) -> list[Line]:
    """Cut a row where something else begins."""
    pieces: list[Line] = []
    current: list[Placed] = []
    leader: list[Placed] = []
    widest = max(_COLUMN_GAP, _WIDER_THAN_SPACES * _space_between_words(row))
    for item in row:
        if not item.run.text.strip():
            continue
        if _LEADER.match(item.run.text):
            leader.append(item)
            continue
        if leader or (current and _begins_anew(current, item, rules, widest)):
            if current:
                pieces.append(Line(current, leader=leader))
            current, leader = [], []
        current.append(item)
    if current:
        pieces.append(Line(current, leader=leader))
    for piece, following in pairwise(pieces):
        piece.right_limit = following.x0
        following.begins_item = bool(_MARKER.match(piece.text))
    for piece in pieces:
        piece.shares_row = len(pieces) > 1
    return pieces


def _space_between_words(row: Sequence[Placed]) -> float:
    """Return how wide spaces are inside the runs of a row, in ems, as far as that can be told.

    A line that was stretched to be even has spaces as wide as what is between columns elsewhere.
    """
    widths = [0.0]
    for item in row:
        words = item.run.text.split()
        if len(words) >= _WORDS_THAT_TELL and not item.run.font.mono and item.size:
            letters = sum(map(len, words)) * _WIDE_LETTER
            widths.append(((item.x1 - item.x0) / item.size - letters) / (len(words) - 1))
    return max(widths)


def _begins_anew(
    current: Sequence[Placed], item: Placed, rules: Sequence[Box], widest: float
) -> bool:
    last = current[-1]
    size = max(last.size, item.size)
    gap = item.x0 - max(p.x1 for p in current)
    if gap > widest * size or gap < -_OVERLAP * size:
        return True
    if len(current) == 1 and gap > _MARKER_GAP * size and _MARKER.match(last.run.text):
        return True
    return any(
        last.x0 + 0.5 < (rule.x0 + rule.x1) / 2 <= item.x0 + 0.5
        and rule.y0 <= item.y + 0.4 * size <= rule.y1
        for rule in rules
    )
