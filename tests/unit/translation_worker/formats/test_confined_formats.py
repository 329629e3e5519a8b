"""Codecs do the same in a confined process as outside: none needs what is taken away."""

from pathlib import Path

import docx
import openpyxl
import pytest

from tests.unit.translation_worker.formats.epub_samples import book
from tests.unit.translation_worker.formats.pdf_samples import draw, prose_page
from translation_worker.document import Content
from translation_worker.formats.codec import CodecOptions
from translation_worker.formats.confinement import Confinement, read_confined, write_confined
from translation_worker.formats.registry import find

_PAGE = "<!doctype html><title>Mill</title><p>Good <b>morning</b> to all.</p>"


def _document(name: str, folder: Path) -> Path:
    path = folder / f"document.{name}"
    if name == "pdf":
        return draw(path, prose_page)
    if name == "epub":
        path.write_bytes(book())
    elif name == "html":
        path.write_text(_PAGE)
    elif name == "docx":
        word = docx.Document()
        word.add_paragraph("Good morning to all.")
        word.save(str(path))
    else:
        sheet = openpyxl.Workbook()
        sheet.create_sheet("Mill")["A1"] = "Good morning to all."
        sheet.save(path)
    return path


@pytest.mark.parametrize("name", ["docx", "epub", "html", "pdf", "xlsx"])
def test_document_is_the_same_when_its_codec_is_confined(name: str, tmp_path: Path) -> None:
    codec, options = find(name), CodecOptions()
    path = _document(name, tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    segments = codec.read(path, options)
    assert segments
    confined = read_confined(codec, path, options, scratch=scratch, confinement=Confinement())
    assert confined == segments
    words: dict[str, Content] = {
        each.segment_id: tuple(
            part.replace("morning", "mañana") if isinstance(part, str) else part
            for part in each.content
        )
        for each in segments
    }
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    codec.write(path, words, outside, "es", options)
    write_confined(
        codec, path, words, inside, "es", options, scratch=scratch, confinement=Confinement()
    )
    assert [each.content for each in codec.read(inside, options)] == [
        each.content for each in codec.read(outside, options)
    ]
    assert not any(scratch.iterdir())
