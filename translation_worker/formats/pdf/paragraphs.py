"""Paragraphs: lines that go on in one another, with the shape that they have on the page.

A line goes on in the one below if they are set alike, stand one under the other as the paragraph's
other lines do, nothing separates them, and the first word below had no room above: that is what
tells the end of a paragraph from a line that was broken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from translation_worker.formats.pdf.lines import LevelPage, Line
from translation_worker.formats.pdf.page_text import Box, Matrix

# In ems or parts of a size.
_FIRST_LEADING = 1.62
_SAME_LEADING = 0.13
_ALIKE_SIZES = 1.16
_EDGE = 0.35
_INDENT = 3.2
_ASCENT, _DESCENT = 0.74, 0.22
_FEWEST_JUSTIFIED = 3
_SHARED_EDGE = 1.5  # points
_FEW_LINES = 4
_STICKING_OUT = 0.12  # of the page's width


class Alignment(StrEnum):
    """How the lines of a paragraph are set."""

    LEFT = "left"
    RIGHT = "right"
    CENTRED = "centred"
    JUSTIFIED = "justified"


@dataclass(slots=True)
class Block:
    """A paragraph in its level frame; the lines are from top to bottom."""

    lines: list[Line]
    to_page: Matrix
    text_margins: tuple[float, float]
    alignment: Alignment = Alignment.LEFT
    box: Box = field(default=Box(0, 0, 0, 0))

    @property
    def size(self) -> float:
        """Return the size of most of its letters."""
        return max(self.lines, key=lambda line: len(line.text)).size

    @property
    def leading(self) -> float:
        """Return the distance of baselines; a usual one for a single line."""
        if len(self.lines) == 1:
            return 1.2 * self.size
        return (self.lines[0].y - self.lines[-1].y) / (len(self.lines) - 1)

    @property
    def first_indent(self) -> float:
        """Return how far the first line is moved from the others' edge; may be negative."""
        if len(self.lines) == 1:
            return 0.0
        return self.lines[0].x0 - min(line.x0 for line in self.lines[1:])


def find_blocks(page: LevelPage, rules: Sequence[Box], box: Box) -> list[Block]:
    """Return the paragraphs of a level page, in reading order.

    `rules` and the page's own `box` are in its frame.
    """
    lines = page.lines
    if not lines:
        return []
    left = _margin([-line.x0 for line in lines if line.x0 >= box.x0], box.width)
    right = _margin([line.x1 for line in lines if line.x1 <= box.x1], box.width)
    margins = _margins(left, right, len(lines), box)
    flat = [rule for rule in rules if rule.width >= rule.height]
    opened: list[list[Line]] = []
    closed: list[list[Line]] = []
    for line in lines:
        home = _home(line, opened, flat, margins[1])
        if home is None:
            opened.append([line])
        else:
            home.append(line)
        reach = line.y + 3 * max(line.size, opened[0][-1].size)
        closed += [group for group in opened if group[-1].y > reach]
        opened = [group for group in opened if group[-1].y <= reach]
    blocks = [_shaped(Block(group, page.to_page, margins)) for group in closed + opened]
    blocks.sort(key=lambda block: (-block.lines[0].y, block.lines[0].x0))
    return blocks


def _margins(left: float | None, right: float | None, lines: int, box: Box) -> tuple[float, float]:
    """Return the left and right margin, as far as lines tell of them."""
    x0 = box.x0 if left is None else -left
    x1 = box.x1 if right is None else right
    # A few lines need not reach the margin: it is taken to be as wide as the left one.
    return x0, max(x1, box.x1 - (x0 - box.x0)) if lines < _FEW_LINES else x1


def _margin(edges: Sequence[float], width: float) -> float | None:
    """Return the outermost edge that two lines have in common; one alone may stick out a little."""
    if not edges:
        return None
    ordered = sorted(edges, reverse=True)
    for edge, following in pairwise(ordered):
        if edge - following < _SHARED_EDGE and ordered[0] - edge < _STICKING_OUT * width:
            return edge
    return ordered[0]


def _home(
    line: Line, opened: Sequence[list[Line]], rules: Sequence[Box], right_margin: float
) -> list[Line] | None:
    """Return the paragraph that goes on in a line: the nearest one above it."""
    over = [
        group
        for group in opened
        if group[-1].y - line.y > 0.3 * line.size
        and group[-1].x0 < line.x1
        and line.x0 < group[-1].x1
    ]
    if not over:
        return None
    nearest = min(over, key=lambda group: group[-1].y)
    beside = [g for g in over if abs(g[-1].y - nearest[-1].y) < 0.3 * line.size]
    # A line under two columns or cells goes on in none of them.
    return nearest if len(beside) == 1 and _goes_on(nearest, line, rules, right_margin) else None


def _goes_on(group: Sequence[Line], line: Line, rules: Sequence[Box], right_margin: float) -> bool:
    last = group[-1]
    size = max(last.size, line.size)
    if size > _ALIKE_SIZES * min(last.size, line.size) or _weight(last) != _weight(line):
        return False
    if last.leader or line.begins_item or _is_mono(last) != _is_mono(line):
        return False
    leading = last.y - line.y
    if len(group) > 1:
        if abs(leading - (group[0].y - last.y) / (len(group) - 1)) > _SAME_LEADING * size:
            return False
    elif leading > _FIRST_LEADING * size:
        return False
    middle = (last.y + line.y) / 2
    if any(
        line.y < rule.y0 + 0.3 * size < last.y + 0.3 * size
        and rule.x0 < line.x1
        and line.x0 < rule.x1
        for rule in rules
        if abs(rule.y0 - middle) < leading
    ):
        return False
    return _stands_under(group, line) and not _had_room(group, line, right_margin)


def _stands_under(group: Sequence[Line], line: Line) -> bool:
    """Tell whether a line keeps the left edge, the right edge or the middle of a paragraph."""
    last, edge = group[-1], _EDGE * line.size
    if len(group) > 1:
        left = min(other.x0 for other in group[1:])
        if abs(line.x0 - left) <= edge:
            return True
    elif abs(line.x0 - last.x0) <= edge or 0 < last.x0 - line.x0 <= _INDENT * line.size:
        return True
    if abs((line.x0 + line.x1) - (last.x0 + last.x1)) <= edge:
        return True
    return abs(line.x1 - last.x1) <= 0.1 * line.size and line.x0 - last.x0 > edge


def _had_room(group: Sequence[Line], line: Line, right_margin: float) -> bool:
    """Tell whether the first word of a line would have fitted on the line above."""
    last = group[-1]
    words = line.text.split(None, 1)
    word = words[0] if words else ""
    share = len(word) / max(1, len(line.text.strip()))
    needed = share * (line.x1 - line.x0) + 0.3 * line.size
    # A line that sticks out of the page's margin says nothing of the measure.
    limit = min(right_margin, max(line.x1, *(other.x1 for other in group)))
    if last.right_limit is not None:
        limit = max(limit, last.right_limit - 1.5 * line.size)
    width = last.x1 - last.x0
    measure = limit - min(line.x0, *(other.x0 for other in group))
    return (
        width + needed < measure - 0.5 * line.size
        if _is_centred(group, line)
        else (last.x1 + needed < limit - 0.3 * line.size)
    )


def _is_centred(group: Sequence[Line], line: Line) -> bool:
    last = group[-1]
    return (
        abs((line.x0 + line.x1) - (last.x0 + last.x1)) <= _EDGE * line.size
        and abs(line.x0 - last.x0) > line.size
    )


def _weight(line: Line) -> bool:
    return all(placed.run.font.bold for placed in line.placed)


def _is_mono(line: Line) -> bool:
    return all(placed.run.font.mono for placed in line.placed)


def _shaped(block: Block) -> Block:
    lines, size = block.lines, block.size
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    block.box = Box(left, lines[-1].y - _DESCENT * size, right, lines[0].y + _ASCENT * size)
    block.alignment = _alignment(block, left, right)
    return block


def _alignment(block: Block, left: float, right: float) -> Alignment:
    lines, size = block.lines, block.size
    if len(lines) == 1:
        return _alignment_of_one(block)
    lefts = [line.x0 - left for line in lines[1:]]
    rights = [right - line.x1 for line in lines[:-1]]
    middles = [abs((line.x0 + line.x1) - (left + right)) / 2 for line in lines]
    if max(lefts) <= _EDGE * size:
        even = len(lines) >= _FEWEST_JUSTIFIED and max(rights) <= _EDGE * size
        return Alignment.JUSTIFIED if even else Alignment.LEFT
    if max(middles) <= 0.5 * size:
        return Alignment.CENTRED
    if max(right - line.x1 for line in lines) <= _EDGE * size:
        return Alignment.RIGHT
    return Alignment.LEFT


def _alignment_of_one(block: Block) -> Alignment:
    """Guess from the page's margins how a single line is set."""
    line, (left, right) = block.lines[0], block.text_margins
    measure = right - left
    if line.x0 - left > 0.12 * measure and not line.shares_row:
        middle = abs((line.x0 + line.x1) - (left + right)) / 2
        if middle < 0.01 * measure and line.x0 - left > 2 * line.size:
            return Alignment.CENTRED
    if right - line.x1 < 0.1 * line.size and line.x0 - left > 0.5 * measure:
        return Alignment.RIGHT
    return Alignment.LEFT


_WORD = re.compile(r"[^\W\d_]{2,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def has_words(text: str) -> bool:
    """Tell whether a text has anything to translate."""
    return bool(_WORD.search(text))
