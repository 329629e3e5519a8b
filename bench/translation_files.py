"""The files of `bench/translate.py`: the same paragraphs in several forms, and a manual's pages."""

import html
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import docx
import pikepdf
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]  # it has no types
from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]  # it has no types
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer  # type: ignore[import-untyped]  # it has no types

_CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
_PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">x</dc:identifier>
<dc:title>Paragraphs</dc:title><dc:language>en</dc:language></metadata>
<manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="c"/></spine></package>"""


def make_docx(paragraphs: Sequence[str], path: Path) -> None:
    """Write a Word document whose every fifth paragraph begins in bold."""
    document = docx.Document()
    for number, text in enumerate(paragraphs):
        first, _, rest = text.partition(" ")
        paragraph = document.add_paragraph()
        paragraph.add_run(first).bold = number % 5 == 0
        paragraph.add_run(f" {rest}")
    document.save(str(path))


def make_epub(paragraphs: Sequence[str], path: Path) -> None:
    """Write an EPUB of one chapter."""
    body = "\n".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
    page = (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Paragraphs</title></head>'
        f"<body>{body}</body></html>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", _CONTAINER)
        book.writestr("OEBPS/content.opf", _PACKAGE)
        book.writestr("OEBPS/c.xhtml", page)


def make_pdf(paragraphs: Sequence[str], path: Path) -> None:
    """Write a PDF with headings and running text."""
    styles = getSampleStyleSheet()
    flow = []
    for number, text in enumerate(paragraphs):
        if number % 12 == 0:
            flow.append(Paragraph(f"Part {number // 12 + 1}", styles["Heading2"]))
        flow += [Paragraph(html.escape(text), styles["BodyText"]), Spacer(1, 4)]
    SimpleDocTemplate(str(path), pagesize=A4).build(flow)


def take_pages(manual: Path, path: Path) -> None:
    """Write some pages of the Debian Reference: code, tables, lists and links among the text."""
    with pikepdf.open(manual) as whole, pikepdf.new() as part:
        part.add_pages_from(whole, _MANUAL_PAGES)
        part.save(path)


_MANUAL_PAGES = slice(40, 46)

MAKERS: Mapping[str, Callable[[Sequence[str], Path], None]] = {
    "docx": make_docx,
    "epub": make_epub,
    "pdf": make_pdf,
}
