"""Taking text out of content streams, and words out of lines."""

from pathlib import Path

import pikepdf
import pytest
from pikepdf import Dictionary, Name, Pdf, Stream

from tests.unit.translation_worker.formats.pdf_samples import (
    HEIGHT,
    contents,
    draw,
    text_of,
    translate,
)
from translation_worker.document import plain_text
from translation_worker.formats.codec import CodecOptions
from translation_worker.formats.pdf.codec import PdfCodec
from translation_worker.formats.pdf.words import mended

SOFT = "\u00ad"


def _page(path: Path, content: bytes) -> Path:
    """Write a document of one page with a font and given operators."""
    with Pdf.new() as pdf:
        pdf.add_blank_page()
        page = pdf.pages[0].obj
        times = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Times-Roman"))
        courier = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Courier)
        page.Resources = Dictionary(Font=Dictionary(F1=times, F2=courier))
        page.Contents = Stream(pdf, content)
        pdf.save(path)
    return path


def _places(path: Path) -> dict[str, tuple[float, float]]:
    from translation_worker.formats.pdf.reading import open_document, read_page

    document = open_document(path)
    page = read_page(document, 0, ())
    document.close()
    return {run.text.strip(): (run.matrix.e, run.matrix.f) for run in page.runs}


def test_code_keeps_its_place_when_text_before_it_on_the_line_is_taken_out(tmp_path: Path) -> None:
    path = _page(
        tmp_path / "a.pdf",
        b"BT /F1 12 Tf 50 500 Td (Some words ) Tj [-3000 (and others)] TJ\n"
        b"/F2 12 Tf [-4000 (make all)] TJ [-4000 (make none)] TJ ET",
    )
    before = _places(path)

    # Each stands so far to the right of the last that it is a block of its own.
    translate(path, tmp_path / "b.pdf", str.upper)

    after = _places(tmp_path / "b.pdf")
    assert {"SOME WORDS", "AND OTHERS"} <= after.keys()
    for text in ("make all", "make none"):
        assert after[text] == pytest.approx(before[text], abs=0.01)


def test_code_is_drawn_where_its_glyphs_begin_when_its_strings_begin_with_a_shift(
    tmp_path: Path,
) -> None:
    path = _page(
        tmp_path / "a.pdf",
        b"BT /F1 12 Tf 50 500 Td (Please run the program ) Tj /F2 12 Tf [-50 (make all)] TJ "
        b"/F1 12 Tf ( now) Tj ET",
    )

    translate(path, tmp_path / "b.pdf", lambda text: text.replace("Please", "Do"))

    after = _places(tmp_path / "b.pdf")
    end = after["now"][0]
    # Eight cells of 0.6 em and a space before the word that follows.
    assert end - after["make all"][0] == pytest.approx(8 * 7.2 + 3, abs=1.5)


def test_state_outlasts_its_text_object_when_the_text_is_taken_out(tmp_path: Path) -> None:
    path = _page(
        tmp_path / "a.pdf",
        b"BT /F1 12 Tf 14 TL 50 500 Td (Some words to translate) Tj ET\n"
        b"BT /F2 9 Tf 50 300 Td (code --one) Tj T* (code --two) Tj ET",
    )
    before = _places(path)

    translate(path, tmp_path / "b.pdf", str.upper)

    after = _places(tmp_path / "b.pdf")
    assert after["code --one"] == before["code --one"]
    assert after["code --two"] == before["code --two"]
    assert b"Some words" not in contents(tmp_path / "b.pdf")


def test_page_draws_on_a_clean_state_when_the_original_leaves_it_open(tmp_path: Path) -> None:
    path = _page(
        tmp_path / "a.pdf",
        b"q 0.5 0 0 0.5 0 0 cm BT /F1 24 Tf 100 1000 Td (Half as large as it says) Tj ET",
    )

    translate(path, tmp_path / "b.pdf", str.upper)

    (place,) = _places(tmp_path / "b.pdf").values()
    assert place == (50, 500)


def test_page_is_left_alone_when_its_operators_do_not_count_alike(tmp_path: Path) -> None:
    # Text without any font: PDFium draws nothing where the operators say two things.
    path = _page(
        tmp_path / "a.pdf",
        b"BT /F1 12 Tf 50 500 Td (Some words to translate) Tj ET "
        b"BT /Missing 12 Tf 50 400 Td (More words in no font) Tj ET",
    )

    written = translate(path, tmp_path / "b.pdf", str.upper)

    assert written.layout is not None
    with pikepdf.open(tmp_path / "b.pdf") as pdf:
        assert len(pdf.pages) == 1
    text = text_of(tmp_path / "b.pdf")
    assert "SOME WORDS TO TRANSLATE" in text or "Some words to translate" in text


def test_dots_are_shortened_when_a_title_grows(tmp_path: Path) -> None:
    def page(canvas: object) -> None:
        canvas.setFont("Times-Roman", 12)  # type: ignore[attr-defined] # reportlab has no types
        canvas.drawString(72, HEIGHT - 90, "Some chapter")  # type: ignore[attr-defined] # as above
        canvas.drawString(145, HEIGHT - 90, ". " * 55)  # type: ignore[attr-defined] # as above
        canvas.drawString(500, HEIGHT - 90, "17")  # type: ignore[attr-defined] # as above

    path = draw(tmp_path / "a.pdf", page)

    written = translate(path, tmp_path / "b.pdf", lambda text: text + " and another chapter")

    assert written.notes["fitted"] == 1
    assert "Some chapter and another chapter" in text_of(tmp_path / "b.pdf")
    assert b"re W n" in contents(tmp_path / "b.pdf") or b"h W n" in contents(tmp_path / "b.pdf")


def test_words_are_joined_when_the_document_knows_them_whole() -> None:
    vocabulary = {"program", "well", "known", "time-out"}

    assert mended((f"the pro{SOFT}gram",), vocabulary) == ("the program",)
    assert mended((f"a well{SOFT}known one",), vocabulary) == ("a well-known one",)
    assert mended((f"a time{SOFT}out",), vocabulary) == ("a time-out",)
    assert mended((f"an unheard{SOFT}of",), vocabulary) == ("an unheardof",)


def test_hyphen_at_the_end_of_a_line_is_mended_when_read(tmp_path: Path) -> None:
    def page(canvas: object) -> None:
        text = canvas.beginText(72, 700)  # type: ignore[attr-defined] # reportlab has no types
        text.setFont("Times-Roman", 12)
        for line in (
            "The installation of this pro-",
            "gram is explained in the man-",
            "ual, and a program is a program.",
        ):
            text.textLine(line)
        canvas.drawText(text)  # type: ignore[attr-defined] # as above

    path = draw(tmp_path / "a.pdf", page)

    (segment,) = PdfCodec().read(path, CodecOptions())

    assert plain_text(segment.content) == (
        "The installation of this program is explained in the manual, and a program is a program."
    )
