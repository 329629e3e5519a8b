"""Presentations: the text of slides and their notes, tables, charts, diagrams and comments.

Masters and layouts stay: what is on them are prompts for authors.
"""

from collections.abc import Collection, Mapping

from lxml import etree

from translation_worker.formats.codec import CodecOptions
from translation_worker.formats.office_codec import OfficeCodec, PartKind
from translation_worker.formats.office_descriptions import description_slots
from translation_worker.formats.office_drawing import chart_slots, drawing_slots
from translation_worker.formats.office_slots import Slot, TextSlot
from translation_worker.formats.office_types import TYPES_PART, parts_of_kinds
from translation_worker.formats.packages import Package


class PptxCodec(OfficeCodec):
    """Reads and writes presentations."""

    name = "pptx"
    description = "Presentation: slides, notes, tables, charts, diagrams and comments."
    extensions = (".pptx", ".pptm", ".ppsx", ".potx")
    media_types = (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
        "application/vnd.openxmlformats-officedocument.presentationml.template",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    )

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the names of the parts."""
        del head
        return TYPES_PART in members and "ppt/presentation.xml" in members

    def parts(self, package: Package, options: CodecOptions) -> Mapping[str, PartKind]:
        """Return the slides with what belongs to them."""
        return parts_of_kinds(
            package,
            options.limits,
            {
                "presentationml.slide+xml": PartKind(_slide_slots),
                "presentationml.notesSlide+xml": PartKind(_note_slots),
                "drawingml.chart+xml": PartKind(chart_slots),
                "drawingml.diagramData+xml": PartKind(drawing_slots),
                "drawingml.diagramDrawing+xml": PartKind(drawing_slots),
                "presentationml.comments+xml": PartKind(_comment_slots),
                "ms-powerpoint.comments+xml": PartKind(_threaded_slots),
            },
        )


def _slide_slots(root: etree._Element) -> list[Slot]:
    return [*drawing_slots(root), *description_slots(root)]


def _note_slots(root: etree._Element) -> list[Slot]:
    return drawing_slots(root, "note")


def _threaded_slots(root: etree._Element) -> list[Slot]:
    return drawing_slots(root, "comment")


def _comment_slots(root: etree._Element) -> list[Slot]:
    return [
        TextSlot(element, f"c{index}", "comment")
        for index, element in enumerate(root.iter("{*}text"))
    ]
