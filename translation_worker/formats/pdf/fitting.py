"""Fitting: sets a translation into the place of its source, as large as there is room for.

A translation keeps the size of its source while it can: it may take the white space beside and
below, and then lines may close up. Only then letters are narrowed and made smaller, step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from translation_worker.formats.pdf.page_text import Matrix
from translation_worker.formats.pdf.paragraphs import Alignment, Block
from translation_worker.formats.pdf.room import Room
from translation_worker.formats.pdf.typesetting import (
    Word,
    break_lines,
    line_width,
)

# Size and width of letters, as parts of their own; each step takes some 4 %.
_STEPS = (
    (1.0, 1.0),
    (1.0, 0.97),
    (0.98, 0.96),
    (0.95, 0.96),
    (0.92, 0.95),
    (0.89, 0.94),
    (0.86, 0.93),
    (0.83, 0.92),
    (0.8, 0.91),
    (0.76, 0.9),
    (0.72, 0.9),
    (0.68, 0.9),
    (0.64, 0.9),
    (0.6, 0.9),
)
_HARDLY_NARROWER = 0.97
_LAST_STEPS = ((0.6, 0.9), (0.5, 0.85), (0.4, 0.8), (0.3, 0.8))
_CLOSEST_LEADING = 1.08
_DESCENT = 0.22
_WIDEST_EXTRA = 0.9  # ems that a space of a justified line may grow by
_SLACK = 0.02  # ems; side bearings make an original line a little wider than its ink


class Fit(StrEnum):
    """How a translation went into its place."""

    FITTED = "fitted"
    SHRUNK = "shrunk"
    OVERFLOWED = "overflowed"


@dataclass(frozen=True, slots=True)
class DrawnWord:
    """A word on the page: where it begins in the level frame, and the space drawn before it."""

    x: float
    y: float
    word: Word
    space: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A paragraph as it is drawn: `scale` of its letters and `narrowing` of their widths."""

    fit: Fit
    scale: float
    narrowing: float
    lines: tuple[tuple[DrawnWord, ...], ...]
    to_page: Matrix
    size: float

    def ends_at(self, line: int) -> float:
        """Return where a line's last word ends, in the level frame."""
        last = self.lines[line][-1]
        return last.x + last.word.width * self.scale * self.narrowing


def fit(block: Block, words: Sequence[Word], room: Room) -> Setting | None:
    """Set words into the place of a paragraph; None if they do not even go on its page."""
    for scale, narrowing in _STEPS:
        for width in _widths(block, room):
            broken = _break(block, words, width, scale * narrowing)
            leading = _leading(block, len(broken), scale, room.bottom)
            if leading is not None:
                whole = scale == 1.0 and narrowing >= _HARDLY_NARROWER
                kind = Fit.FITTED if whole else Fit.SHRUNK
                return _set(block, broken, kind, (scale, narrowing, leading, width))
    for scale, narrowing in _LAST_STEPS:
        width = _widths(block, room)[-1]
        broken = _break(block, words, width, scale * narrowing)
        leading = _leading(block, len(broken), scale, room.page_bottom)
        if leading is not None:
            return _set(block, broken, Fit.OVERFLOWED, (scale, narrowing, leading, width))
    return None


def _widths(block: Block, room: Room) -> list[float]:
    """Return the widths to try: the paragraph's own, then with the white space beside it."""
    own = block.box.width + _SLACK * block.size
    if block.alignment is Alignment.CENTRED:
        middle = (block.box.x0 + block.box.x1) / 2
        wider = 2 * min(middle - room.left, room.right - middle)
    elif block.alignment is Alignment.RIGHT:
        wider = block.box.x1 - room.left
    else:
        wider = room.right - block.box.x0
        own = min(own, wider) if wider > block.size else own
    single = len(block.lines) == 1
    if wider <= own:
        return [own]
    # One line says nothing of a measure: it takes what it needs before it becomes two.
    return [wider] if single else [own, wider]


def _break(block: Block, words: Sequence[Word], width: float, unit: float) -> list[list[Word]]:
    first, rest = _indents(block)
    return break_lines(words, max(1.0, width - first) / unit, max(1.0, width - rest) / unit)


def _indents(block: Block) -> tuple[float, float]:
    """Return how far the first and the other lines are from the left edge."""
    if len(block.lines) == 1 or block.alignment in {Alignment.CENTRED, Alignment.RIGHT}:
        return 0.0, 0.0
    rest = min(line.x0 for line in block.lines[1:])
    return block.lines[0].x0 - block.box.x0, rest - block.box.x0


def _leading(block: Block, lines: int, scale: float, bottom: float) -> float | None:
    """Return the distance of baselines with which lines end above `bottom`; None if none does."""
    own = block.leading
    if lines <= len(block.lines):
        return own
    size = block.size * scale
    depth = block.lines[0].y - _DESCENT * size - bottom
    usual = max(own * scale, _CLOSEST_LEADING * size)
    closest = min(usual, _CLOSEST_LEADING * size)
    leading = min(usual, depth / (lines - 1))
    return leading if leading >= closest else None


def _set(
    block: Block,
    broken: Sequence[Sequence[Word]],
    kind: Fit,
    measure: tuple[float, float, float, float],
) -> Setting:
    scale, narrowing, leading, width = measure
    unit = scale * narrowing
    lines = []
    for number, line in enumerate(broken):
        indent = _indents(block)[0 if number == 0 else 1]
        natural = line_width(line) * unit
        extra = 0.0
        left = block.box.x0 + indent
        spare = width - indent - natural
        if block.alignment is Alignment.CENTRED:
            left = (block.box.x0 + block.box.x1 - natural) / 2
        elif block.alignment is Alignment.RIGHT:
            left = block.box.x1 - natural
        elif block.alignment is Alignment.JUSTIFIED and number < len(broken) - 1:
            extra = _extra(line, spare, block.size * scale)
        lines.append(_placed(line, left, block.lines[0].y - number * leading, unit, extra))
    return Setting(kind, scale, narrowing, tuple(lines), block.to_page, block.size)


def _extra(line: Sequence[Word], spare: float, size: float) -> float:
    """Return what each space of a justified line grows by."""
    spaces = sum(word.space > 0 for word in line[1:])
    if spaces == 0 or spare <= 0 or spare / spaces > _WIDEST_EXTRA * size:
        return 0.0
    return spare / spaces


def _placed(
    line: Sequence[Word], left: float, y: float, unit: float, extra: float
) -> tuple[DrawnWord, ...]:
    placed = []
    x = left
    for number, word in enumerate(line):
        space = 0.0
        if number and word.space:
            space = word.space * unit + extra
        x += space
        placed.append(DrawnWord(x, y, word, space))
        x += word.width * unit
    return tuple(placed)
