"""Presentations keep everything but their words."""

from pathlib import Path

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from tests.unit.translation_worker.formats.office_round_trips import (
    assert_keeps_everything_but_words,
    read,
    texts,
    write_swapped,
)
from translation_worker.formats.pptx import PptxCodec

CODEC = PptxCodec()


@pytest.fixture
def presentation(tmp_path: Path) -> Path:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    assert slide.shapes.title is not None
    slide.shapes.title.text = "The title"
    paragraph = slide.shapes.add_textbox(0, 0, 100, 100).text_frame.paragraphs[0]
    paragraph.add_run().text = "Some "
    bold = paragraph.add_run()
    bold.text, bold.font.bold = "bold", True
    paragraph.add_run().text = " words"
    paragraph.add_line_break()
    paragraph.add_run().text = "go on"
    linked = paragraph.add_run()
    linked.text, linked.hyperlink.address = " here", "https://example.org/"
    holder = slide.shapes.add_table(1, 2, 0, 0, 100, 100)
    holder._element.nvGraphicFramePr.cNvPr.set("descr", "What the table tells")
    table = holder.table
    table.cell(0, 0).text, table.cell(0, 1).text = "A cell", "12"
    data = CategoryChartData()  # type: ignore[no-untyped-call]  # a part without types
    data.categories = ["East", "West"]
    data.add_series("Sales of all", (1, 2))  # type: ignore[no-untyped-call]  # as above
    chart = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(2), Inches(2), data
    ).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Title of the chart"
    notes = slide.notes_slide.notes_text_frame
    assert notes is not None
    notes.text = "What to say"
    path = tmp_path / "source.pptx"
    deck.save(str(path))
    return path


def test_slides_notes_tables_and_charts_are_read(presentation: Path) -> None:
    found = dict(zip(texts(CODEC, presentation), read(CODEC, presentation).values(), strict=True))
    contexts = {text: segment.context for text, segment in found.items()}
    assert contexts == {
        "The title": "heading",
        "Some <g1>bold</g1> words<x2/>go on <g3>here</g3>": "",
        "A cell": "table cell",
        "What the table tells": "description of a picture",
        "What to say": "note",
        "Title of the chart": "chart title",
        "Sales of all": "chart label",
        "East": "chart label",
        "West": "chart label",
    }


def test_only_words_change_when_a_presentation_is_written(
    presentation: Path, tmp_path: Path
) -> None:
    assert_keeps_everything_but_words(CODEC, presentation, tmp_path)


def test_a_written_presentation_opens_elsewhere_with_its_new_words(
    presentation: Path, tmp_path: Path
) -> None:
    write_swapped(CODEC, presentation, tmp_path / "t.pptx", "pt")
    slide = pptx.Presentation(str(tmp_path / "t.pptx")).slides[0]
    assert slide.shapes.title is not None
    assert slide.shapes.title.text == "tHE TITLE"
    box = next(shape for shape in slide.shapes if shape.name.startswith("TextBox"))
    assert box.has_text_frame
    paragraph = box.text_frame.paragraphs[0]
    assert [run.text for run in paragraph.runs if run.font.bold] == ["BOLD"]
    links = [run.text for run in paragraph.runs if run.hyperlink.address]
    assert links == ["HERE"]
    assert slide.notes_slide.notes_text_frame is not None
    assert slide.notes_slide.notes_text_frame.text == "wHAT TO SAY"


def test_words_run_from_the_right_when_the_language_does(
    presentation: Path, tmp_path: Path
) -> None:
    write_swapped(CODEC, presentation, tmp_path / "t.pptx", "ar")
    slide = pptx.Presentation(str(tmp_path / "t.pptx")).slides[0]
    assert slide.shapes.title is not None
    assert slide.shapes.title.text_frame.paragraphs[0]._p.xpath("./a:pPr/@rtl") == ["1"]
