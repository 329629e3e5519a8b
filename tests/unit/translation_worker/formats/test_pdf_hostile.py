"""The PDF codec on files that are encrypted, damaged, scanned, endless, or that do things."""

import time
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.pdf_samples import (
    draw,
    form_page,
    prose_page,
    scanned_page,
    text_of,
    translate,
)
from translation_worker.formats.codec import CodecOptions, DocumentError, DocumentLimits
from translation_worker.formats.pdf.codec import PdfCodec


def _reason(path: Path, limits: DocumentLimits | None = None) -> FailureReason:
    with pytest.raises(DocumentError) as caught:
        PdfCodec().read(path, CodecOptions(limits=limits or DocumentLimits()))
    return caught.value.reason


@pytest.mark.matrix(37)
def test_document_is_refused_when_it_needs_a_password(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)
    with pikepdf.open(path) as pdf:
        pdf.save(tmp_path / "b.pdf", encryption=pikepdf.Encryption(owner="x", user="secret"))

    assert _reason(tmp_path / "b.pdf") is FailureReason.DOCUMENT_ENCRYPTED


@pytest.mark.parametrize("size", [0, 5, 60, 700])
def test_document_is_refused_when_cut_off(tmp_path: Path, size: int) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)
    (tmp_path / "b.pdf").write_bytes(path.read_bytes()[:size])

    assert _reason(tmp_path / "b.pdf") is FailureReason.DOCUMENT_DAMAGED


def test_document_is_refused_when_all_pages_are_pictures(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", scanned_page, scanned_page)

    assert _reason(path) is FailureReason.SCANNED_DOCUMENT


def test_scanned_page_is_reported_when_others_have_text(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page, scanned_page)

    written = translate(path, tmp_path / "b.pdf", str.upper)

    assert written.notes["scanned_pages"] == 1
    assert written.layout is not None
    pages = written.layout["pages"]
    assert isinstance(pages, list)
    assert [page.get("scanned", False) for page in pages] == [False, True]


@pytest.mark.matrix(37)
def test_document_is_refused_quickly_when_it_has_a_hundred_thousand_pages(tmp_path: Path) -> None:
    with Pdf.new() as pdf:
        pdf.add_blank_page()
        page = pdf.pages[0].obj
        pdf.Root.Pages.Kids = Array([page] * 100_000)
        pdf.Root.Pages.Count = 100_000
        pdf.save(tmp_path / "a.pdf")
    started = time.monotonic()

    reason = _reason(tmp_path / "a.pdf")

    assert reason in {FailureReason.DOCUMENT_TOO_LARGE, FailureReason.DOCUMENT_DAMAGED}
    assert time.monotonic() - started < 60


@pytest.mark.matrix(37)
def test_document_is_refused_when_a_page_unpacks_to_too_much(tmp_path: Path) -> None:
    with Pdf.new() as pdf:
        pdf.add_blank_page()
        pdf.pages[0].obj.Contents = Stream(pdf, b"0 0 m\n" * 8_000_000)
        pdf.save(tmp_path / "a.pdf", compress_streams=True)
    assert (tmp_path / "a.pdf").stat().st_size < 1_000_000

    assert _reason(tmp_path / "a.pdf") is FailureReason.DOCUMENT_TOO_LARGE


@pytest.mark.matrix(37)
def test_page_is_left_alone_when_a_form_draws_itself(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", form_page, prose_page)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        form = next(iter(pdf.pages[0].Resources.XObject.values()))
        form.Resources.XObject = Dictionary(Me=form)
        form.write(form.read_bytes() + b"\n/Me Do\n")
        pdf.save(path)

    written = translate(path, tmp_path / "b.pdf", str.upper)

    assert "THE QUICK BROWN FOX" in text_of(tmp_path / "b.pdf", 1)
    assert written.notes["fitted"] > 0


@pytest.mark.matrix(37)
def test_bookmarks_are_read_once_when_they_go_round_in_a_ring(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        first = pdf.Root.Outlines.First
        first.Next = first
        first.First = first
        pdf.save(path)

    segments = PdfCodec().read(path, CodecOptions())

    assert [s.segment_id for s in segments if s.context == "bookmark"] == ["b1"]


@pytest.mark.matrix(38)
def test_active_content_is_taken_out_when_written(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.Root.OpenAction = script
        pdf.Root.AA = Dictionary(WC=script)
        pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("x"), script])))
        pdf.attachments["evil.exe"] = b"MZ"
        page = pdf.pages[0].obj
        page.AA = Dictionary(O=script)
        launch = Dictionary(S=Name.Launch, F=String("calc.exe"))
        page.Annots.append(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Link,
                Rect=Array([0, 0, 9, 9]),
                A=Dictionary(S=Name.URI, URI=String("https://example.org/x"), Next=Array([launch])),
            )
        )
        page.Annots.append(
            Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=Array([0, 0, 9, 9]))
        )
        pdf.save(path)

    written = translate(path, tmp_path / "b.pdf", str.upper)

    data = b""
    with pikepdf.open(tmp_path / "b.pdf") as pdf:
        data = b"".join(item.unparse(resolved=True) for item in pdf.objects)
        assert len(pdf.attachments) == 0
        assert len(pdf.pages[0].Annots) == 2
    for word in (b"JavaScript", b"Launch", b"calc.exe", b"app.alert", b"EmbeddedFile", b"/AA"):
        assert word not in data
    assert written.layout is not None
    removed = written.layout["removed"]
    assert isinstance(removed, dict)
    assert {"scripts", "launch_actions", "embedded_files"} <= removed.keys()


def test_reading_stops_when_told(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        PdfCodec().read(path, CodecOptions(stop=stop))


def test_no_invisible_text_is_translated_when_a_scan_was_recognised(tmp_path: Path) -> None:
    def recognised(canvas: object) -> None:
        scanned_page(canvas)
        text = canvas.beginText(72, 700)  # type: ignore[attr-defined] # reportlab has no types
        text.setTextRenderMode(3)
        text.textLine("Words that are under the picture and that nobody sees at all")
        canvas.drawText(text)  # type: ignore[attr-defined] # as above

    path = draw(tmp_path / "a.pdf", recognised)

    assert _reason(path) is FailureReason.SCANNED_DOCUMENT
