"""Room: how far a paragraph may grow before it meets something else on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from translation_worker.formats.pdf.analysis import Analysis, TextBlock
from translation_worker.formats.pdf.page_text import Box, Matrix, around
from translation_worker.formats.pdf.paragraphs import Alignment

# In ems.
_GAP_BESIDE = 0.5
_GAP_BELOW = 0.25
_GAP_BEFORE_NUMBER = 1.2
_CELL_PADDING = 0.2
_THIN = 0.3
_NEAR_RULE = 1.0
# Part of the page's height that stays free at its end.
_PAGE_MARGIN = 0.02
_ASCENT, _DESCENT = 0.74, 0.22


@dataclass(frozen=True, slots=True)
class Room:
    """The outermost edges of a paragraph's lines, in its level frame, in points."""

    left: float
    right: float
    bottom: float
    page_bottom: float


class Surroundings:
    """What lies on a page, for asking how much room a paragraph has."""

    def __init__(self, analysis: Analysis) -> None:
        self._page = analysis.page
        self._lines: list[tuple[TextBlock, Box, Matrix]] = []
        for text_block in analysis.blocks:
            block = text_block.block
            for line in block.lines:
                box = Box(
                    line.x0, line.y - _DESCENT * line.size, line.x1, line.y + _ASCENT * line.size
                )
                if line.leader:
                    ends = [Box(p.x0, box.y0, p.x1, box.y1) for p in line.leader]
                    box = around([box, *ends])
                self._lines.append((text_block, box, block.to_page))
        self._shapes = [*analysis.page.images, *analysis.page.rules, *analysis.page.panels]
        self._turned: dict[Matrix, tuple[list[tuple[TextBlock, Box]], list[Box], Box]] = {}

    def room(self, text_block: TextBlock) -> Room:
        """Return how far a paragraph's lines may reach."""
        block = text_block.block
        texts, shapes, page = self._level(block.to_page)
        size, box = block.size, block.box
        others = [other for owner, other in texts if owner is not text_block]
        grounds = [s for s in shapes if _holds(s, box)]
        obstacles = others + [s for s in shapes if not _holds(s, box) and not _cuts(s, box)]
        margin_left, margin_right = block.text_margins
        # A line that sticks out of the margin, or of the page, is no measure for its translation.
        sticks_out = box.x1 > margin_right + 1
        left, right = min(box.x0, margin_left), margin_right if sticks_out else box.x1
        right = max(right, margin_right)
        for ground in grounds:
            left, right = max(left, ground.x0), min(right, ground.x1)
        for rule in obstacles:
            if _underlines(rule, box, size):
                left, right = max(left, rule.x0), min(right, rule.x1 - _CELL_PADDING * size)
        gap = _GAP_BESIDE * size
        leader = block.lines[-1].leader
        for other in obstacles:
            if other.y0 < box.y1 and box.y0 < other.y1:
                if other.x0 >= box.x1 - 0.1 * size:
                    beside = _GAP_BEFORE_NUMBER * size if leader else gap
                    right = min(right, max(box.x1, other.x0 - beside))
                elif other.x1 <= box.x0 + 0.1 * size:
                    left = max(left, min(box.x0, other.x1 + gap))
        left = max(min(left, box.x0), page.x0)
        right = min(right if sticks_out else max(right, box.x1), page.x1)
        reach = Box(
            left if block.alignment in {Alignment.RIGHT, Alignment.CENTRED} else box.x0,
            box.y0,
            box.x1 if block.alignment is Alignment.RIGHT else right,
            box.y1,
        )
        page_bottom = page.y0 + _PAGE_MARGIN * page.height
        bottom = _bottom(reach, [*obstacles], grounds, page_bottom, size)
        return Room(left, right, min(bottom, box.y0), min(page_bottom, box.y0))

    def _level(self, to_page: Matrix) -> tuple[list[tuple[TextBlock, Box]], list[Box], Box]:
        if to_page not in self._turned:
            from_page = Matrix(to_page.a, to_page.c, to_page.b, to_page.d, 0, 0)
            texts = [
                (owner, box if turn == to_page else from_page.box(turn.box(box)))
                for owner, box, turn in self._lines
            ]
            shapes = [from_page.box(shape) for shape in self._shapes]
            self._turned[to_page] = texts, shapes, from_page.box(self._page.box)
        return self._turned[to_page]


def _bottom(
    reach: Box, obstacles: Sequence[Box], grounds: Sequence[Box], page_bottom: float, size: float
) -> float:
    bottom = page_bottom
    for other in obstacles:
        under = other.y1 <= reach.y0 + 0.3 * size
        if under and other.x0 < reach.x1 and reach.x0 < other.x1:
            bottom = max(bottom, other.y1 + _GAP_BELOW * size)
    for ground in grounds:
        bottom = max(bottom, ground.y0)
    return bottom


def _holds(shape: Box, box: Box) -> bool:
    """Tell whether a shape is the ground that a paragraph stands on."""
    slack = 0.25 * box.height
    return (
        shape.x0 <= box.x0 + slack
        and shape.x1 >= box.x1 - slack
        and shape.y0 <= box.y0 + slack
        and shape.y1 >= box.y1 - slack
    )


def _underlines(rule: Box, box: Box, size: float) -> bool:
    """Tell whether a rule goes along under a paragraph, as those of a table do."""
    return (
        rule.height < _THIN * size
        and rule.x0 <= box.x0 + 1
        and rule.x1 >= box.x1 - 1
        and -0.3 * size <= box.y0 - rule.y1 < _NEAR_RULE * size
    )


def _cuts(shape: Box, box: Box) -> bool:
    """Tell whether a shape lies across a paragraph, as an underline or a highlight does."""
    inner = Box(box.x0 + 1, box.y0 + 1, box.x1 - 1, box.y1 - 1)
    return inner.x1 > inner.x0 and inner.y1 > inner.y0 and shape.overlaps(inner)
