"""PDF files for tests, made with reportlab; and looking at PDF files, with PDFium and pikepdf."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2 as pdfium  # type: ignore[import-untyped] # published without types
from PIL import Image, ImageChops
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped] # published without types
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped] # as above
from reportlab.lib.utils import ImageReader  # type: ignore[import-untyped] # as above
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped] # as above
from reportlab.platypus import Paragraph  # type: ignore[import-untyped] # as above

from translation_worker.document import Content
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.pdf.codec import PdfCodec

WIDTH, HEIGHT = A4
BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12)
JUSTIFIED = ParagraphStyle("justified", parent=BODY, alignment=4)
MIXED = (
    "Please read the <b>very important</b> notes about the <i>shared memory</i> of this program, "
    "run <font name='Courier'>make install</font> once, and then see "
    '<a href="https://example.org/guide" color="blue">the complete guide</a> for more of it.'
)
PROSE = (
    "The quick brown fox jumps over the lazy dog and goes home before the evening comes, because "
    "there is nothing left to do in the field. Then it sleeps until the morning wakes it up again."
)


def draw(path: Path, *pages: Callable[[Any], None]) -> Path:
    """Write a document, each of its pages drawn by a function."""
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle("4711")
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def paragraph(
    canvas: Any, text: str, x: float, top: float, width: float, style: Any = BODY
) -> float:
    """Draw a paragraph; return where it ends."""
    flowable = Paragraph(text, style)
    _, height = flowable.wrap(width, HEIGHT)
    flowable.drawOn(canvas, x, top - height)
    return float(top - height)


def prose_page(canvas: Any) -> None:
    canvas.bookmarkPage("start")
    canvas.addOutlineEntry("First chapter", "start")
    canvas.setFont("Helvetica-Bold", 16)
    canvas.drawString(72, 760, "First chapter")
    end = paragraph(canvas, MIXED, 72, 740, 400)
    end = paragraph(canvas, PROSE, 72, end - 20, 400, JUSTIFIED)
    canvas.setFont("Courier", 9)
    for number, line in enumerate(("for name in *.txt; do", '    wc -l "$name"', "done")):
        canvas.drawString(72, end - 30 - 11 * number, line)
    picture = Image.new("RGB", (40, 40), (200, 30, 30))
    canvas.drawImage(ImageReader(picture), 400, 300, 80, 80)
    canvas.setFont("Times-Roman", 9)
    canvas.drawString(72, 40, "A footer with words")
    canvas.drawRightString(WIDTH - 72, 40, "17")


def columns_page(canvas: Any) -> None:
    paragraph(canvas, "Left words. " + PROSE, 72, 700, 200, JUSTIFIED)
    paragraph(canvas, "Right words. " + PROSE, 300, 700, 200, JUSTIFIED)


def table_page(canvas: Any) -> None:
    rows = [("Name", "Meaning"), ("First name", "What people call you"), ("Second", "Your family")]
    canvas.setFont("Helvetica", 10)
    for number, (name, meaning) in enumerate(rows):
        y = 700 - 16 * number
        canvas.drawString(75, y, name)
        canvas.drawString(185, y, meaning)
        canvas.line(70, y - 5, 400, y - 5)
    for x in (70, 180, 400):
        canvas.line(x, 711, x, 663)


def rotated_page(canvas: Any) -> None:
    for angle, text in ((90, "Upwards along the margin"), (30, "Across the page like a stamp")):
        canvas.saveState()
        canvas.translate(200, 300)
        canvas.rotate(angle)
        canvas.setFont("Helvetica", 14)
        canvas.drawString(0, 0, text)
        canvas.restoreState()


def form_page(canvas: Any) -> None:
    if not canvas.hasForm("letterhead"):
        canvas.beginForm("letterhead")
        canvas.setFont("Times-Roman", 12)
        canvas.drawString(72, 780, "The letterhead of everybody")
        canvas.endForm()
    canvas.doForm("letterhead")
    paragraph(canvas, PROSE, 72, 700, 400)


def scanned_page(canvas: Any) -> None:
    canvas.drawImage(ImageReader(Image.new("L", (200, 280), 240)), 0, 0, WIDTH, HEIGHT)


def translate(
    path: Path,
    target: Path,
    change: Callable[[str], str],
    language: str = "pt",
) -> Written:
    """Read a document, change the words of every segment, and write it."""
    codec, options = PdfCodec(), CodecOptions()
    translations: Mapping[str, Content] = {
        segment.segment_id: tuple(
            change(part) if isinstance(part, str) else part for part in segment.content
        )
        for segment in codec.read(path, options)
    }
    return codec.write(path, translations, target, language, options)


def text_of(path: Path, page: int = 0) -> str:
    """Return the text of a page as a reader gives it, its white space made even."""
    document = pdfium.PdfDocument(path)
    text = document[page].get_textpage().get_text_bounded()
    document.close()
    return re.sub(r"\s+", " ", str(text))


def difference(one: Path, other: Path, page: int = 0) -> float:
    """Return the mean difference of two pages' pixels, from 0 to 1."""
    images = []
    for path in (one, other):
        document = pdfium.PdfDocument(path)
        images.append(document[page].render(scale=1).to_pil().convert("L"))
        document.close()
    histogram = ImageChops.difference(*images).histogram()
    return sum(value * count for value, count in enumerate(histogram)) / (255 * sum(histogram))


def contents(path: Path, page: int = 0) -> bytes:
    """Return the content stream of a page, unpacked."""
    with pikepdf.open(path) as pdf:
        stream = pdf.pages[page].obj.Contents
        parts = stream.as_list() if isinstance(stream, pikepdf.Array) else [stream]
        return b"\n".join(part.read_bytes() for part in parts)
