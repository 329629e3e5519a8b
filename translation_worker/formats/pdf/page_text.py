"""The nouns of a page: boxes, runs of text with their style, links, and what else lies on it.

All lengths are points of the page's own space, whose y grows upwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle by its left, bottom, right and top edge."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Return the width."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Return the height."""
        return self.y1 - self.y0

    def overlaps(self, other: "Box") -> bool:
        """Tell whether the two have an area in common."""
        return (
            self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1
        )

    def contains(self, x: float, y: float) -> bool:
        """Tell whether a point is inside."""
        return self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1


def around(boxes: Iterable[Box]) -> Box:
    """Return the box around boxes, of which there is at least one."""
    x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
    return Box(min(x0s), min(y0s), max(x1s), max(y1s))


class Matrix(NamedTuple):
    """An affine map (x, y) → (a x + c y + e, b x + d y + f), as in PDF 32000-1, 8.3.3."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def then(self, outer: "Matrix") -> "Matrix":
        """Return the map that does this one and then `outer`."""
        return Matrix(
            self.a * outer.a + self.b * outer.c,
            self.a * outer.b + self.b * outer.d,
            self.c * outer.a + self.d * outer.c,
            self.c * outer.b + self.d * outer.d,
            self.e * outer.a + self.f * outer.c + outer.e,
            self.e * outer.b + self.f * outer.d + outer.f,
        )

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point comes to lie."""
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def box(self, box: Box) -> Box:
        """Return the box around a mapped box."""
        if self.b == 0 == self.c and self.a > 0 and self.d > 0:
            a, d, e, f = self.a, self.d, self.e, self.f
            return Box(a * box.x0 + e, d * box.y0 + f, a * box.x1 + e, d * box.y1 + f)
        corners = [self.point(x, y) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
        xs, ys = zip(*corners, strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))


IDENTITY = Matrix(1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class FontFacts:
    """What the file says of a font."""

    name: str = ""
    bold: bool = False
    italic: bool = False
    serif: bool = False
    mono: bool = False
    # Letters of such a font are signs: mathematics, dingbats.
    symbolic: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one text-showing operator draws.

    `number` counts the operators of the page in their order, those of forms where they are drawn.
    `box` is around the ink. `matrix` maps text space, without the font size, to the page. `link` is
    the group of the link that the run lies in.
    """

    number: int
    text: str
    font: FontFacts
    font_size: float
    matrix: Matrix
    box: Box
    color: tuple[int, int, int]
    visible: bool = True
    link: int | None = None

    @property
    def size(self) -> float:
        """Return the height of the font on the page, in points."""
        m = self.matrix
        return self.font_size * float((m.c * m.c + m.d * m.d) ** 0.5)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a page: where it lies, what tells its target apart, and its group's first number.

    The annotations of one link that is broken over lines are a group.
    """

    box: Box
    target: bytes
    group: int


@dataclass(frozen=True, slots=True)
class PageText:
    """A page as far as its text is concerned.

    `numbers` counts the text-showing operators, readable or not. `rules` are lines, drawn or as
    thin rectangles; `panels` larger shapes, such as the ground of a code block.
    """

    page_index: int
    box: Box
    runs: tuple[Run, ...]
    numbers: int
    links: tuple[Link, ...] = ()
    images: tuple[Box, ...] = ()
    rules: tuple[Box, ...] = ()
    panels: tuple[Box, ...] = ()
    trouble: str = field(default="")

    @property
    def is_scanned(self) -> bool:
        """Tell whether the page is one picture with hardly a visible letter."""
        letters = sum(len(run.text.strip()) for run in self.runs if run.visible)
        area = self.box.width * self.box.height
        pictured = max((box.width * box.height for box in self.images), default=0.0)
        return letters < _FEW_LETTERS and pictured > _MOST_OF_A_PAGE * area


_FEW_LETTERS = 40
_MOST_OF_A_PAGE = 0.5
