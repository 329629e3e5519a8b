"""Links: the areas of a page that lead somewhere, which move along with their words."""

from collections.abc import Mapping, Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name

from translation_worker.formats.pdf.page_text import Box, Link

_MAX_LINKS = 5_000
_CORNERS = 4


def link_annotations(page: pikepdf.Page) -> list[Dictionary]:
    """Return the link annotations of a page, in their order."""
    annotations = page.obj.get("/Annots")
    if not isinstance(annotations, Array):
        return []
    links = []
    for annotation in annotations.as_list():
        if (
            isinstance(annotation, Dictionary)
            and annotation.get("/Subtype") == Name.Link
            and _box(annotation) is not None
        ):
            links.append(annotation)
            if len(links) == _MAX_LINKS:
                break
    return links


def read_links(page: pikepdf.Page) -> list[Link]:
    """Return the links of a page, as `link_annotations` orders them.

    A link that is broken over lines has one annotation a line; they make one group.
    """
    links: list[Link] = []
    for number, annotation in enumerate(link_annotations(page)):
        box = _box(annotation)
        assert box is not None
        target = annotation.get("/A", annotation.get("/Dest"))
        word = b"" if target is None else target.unparse()
        previous = links[-1] if links else None
        goes_on = previous is not None and word == previous.target and _is_below(previous.box, box)
        links.append(Link(box, word, previous.group if previous and goes_on else number))
    return links


def _is_below(upper: Box, lower: Box) -> bool:
    """Tell whether a box is on the line under another one."""
    return upper.y0 - upper.height < lower.y1 <= upper.y0 + 0.6 * upper.height


def move_links(
    page: pikepdf.Page, links: Sequence[Link], boxes: Mapping[int, Sequence[Box]]
) -> None:
    """Lay links over the boxes that their words were drawn in.

    A link that was broken over lines has one annotation a line, of the same target; they share what
    was drawn for all of them, which may be more or fewer lines than before.
    """
    annotations = link_annotations(page)
    for leader, drawn in boxes.items():
        group = [number for number, link in enumerate(links) if link.group == leader]
        for place, number in enumerate(group):
            last = place == len(group) - 1
            mine = drawn[place:] if last else drawn[place : place + 1]
            _lay(annotations[number], mine or drawn[-1:])


def _lay(annotation: Dictionary, boxes: Sequence[Box]) -> None:
    x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
    annotation.Rect = _numbers([min(x0s), min(y0s), max(x1s), max(y1s)])
    if len(boxes) > 1:
        annotation.QuadPoints = _numbers(
            [
                value
                for box in boxes
                for value in (box.x0, box.y1, box.x1, box.y1, box.x0, box.y0, box.x1, box.y0)
            ]
        )
    elif "/QuadPoints" in annotation:
        del annotation["/QuadPoints"]


def _numbers(values: Sequence[float]) -> Array:
    return Array([round(value, 2) for value in values])


def _box(annotation: Dictionary) -> Box | None:
    rectangle = annotation.get("/Rect")
    if not isinstance(rectangle, Array) or len(rectangle) != _CORNERS:
        return None
    try:
        x0, y0, x1, y1 = (float(value) for value in rectangle.as_list())
    except (TypeError, ValueError):
        return None
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
