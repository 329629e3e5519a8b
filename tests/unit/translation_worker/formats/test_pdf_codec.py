"""The PDF codec on files made here: what is a segment, what is kept, and how it fits."""

from pathlib import Path

import pikepdf
import pytest

from tests.unit.translation_worker.formats.pdf_samples import (
    BODY,
    HEIGHT,
    WIDTH,
    columns_page,
    contents,
    difference,
    draw,
    form_page,
    paragraph,
    prose_page,
    rotated_page,
    table_page,
    text_of,
    translate,
)
from translation_worker.document import Tag, TagKind, plain_text
from translation_worker.formats.codec import CodecOptions
from translation_worker.formats.pdf.codec import PdfCodec

OPTIONS = CodecOptions()
_FULL_LINE = (
    "A short line of words that fills the page from side to side so that nothing is free beside it."
)


def _words(path: Path) -> list[str]:
    return [plain_text(segment.content) for segment in PdfCodec().read(path, OPTIONS)]


def test_paragraphs_are_segments_when_lines_go_on(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    words = _words(path)

    assert "First chapter" in words
    assert any(text.startswith("The quick brown fox") and text.endswith("again.") for text in words)
    assert "A footer with words" in words
    assert not any("wc -l" in text or text == "17" for text in words)


def test_styles_links_and_code_are_tags_when_mixed_in_a_paragraph(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    segment = next(
        segment
        for segment in PdfCodec().read(path, OPTIONS)
        if plain_text(segment.content).startswith("Please")
    )

    inside = {}
    for before, part, after in zip(
        segment.content, segment.content[1:], segment.content[2:], strict=False
    ):
        if isinstance(before, Tag) and before.kind is TagKind.OPENING and isinstance(after, Tag):
            inside[part] = before.number
    assert {"very important", "shared memory", "the complete guide"} <= inside.keys()
    assert [tag.kind for tag in segment.content if isinstance(tag, Tag)].count(TagKind.ALONE) >= 1
    assert "make install" not in plain_text(segment.content)


def test_code_keeps_its_glyphs_when_words_around_it_move(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    translate(path, tmp_path / "b.pdf", str.upper)

    text = text_of(tmp_path / "b.pdf")
    assert "THE QUICK BROWN FOX" in text
    assert "make install" in text
    assert 'wc -l "$name"' in text
    assert "quick brown" not in text


def test_pages_are_byte_equal_when_the_translation_is_the_source(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page, columns_page, table_page, rotated_page, form_page)

    written = translate(path, tmp_path / "b.pdf", lambda text: text)

    for page in range(5):
        assert contents(tmp_path / "b.pdf", page) == contents(path, page)
    assert "fitted" not in written.notes


def test_pages_look_nearly_the_same_when_words_are_only_drawn_again(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page, columns_page)

    # A full stop more makes every paragraph a changed one.
    translate(path, tmp_path / "b.pdf", lambda text: text + ".")

    for page in range(2):
        assert contents(tmp_path / "b.pdf", page) != contents(path, page)
        assert difference(path, tmp_path / "b.pdf", page) < 0.02


def test_columns_stay_apart_when_they_stand_side_by_side(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", columns_page)

    words = _words(path)

    assert len(words) == 2
    assert words[0].startswith("Left words. The quick")
    assert words[1].startswith("Right words. The quick")


def test_cells_stay_apart_when_a_table_has_rules(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", table_page)

    assert _words(path) == [
        "Name", "Meaning", "First name", "What people call you", "Second", "Your family",
    ]  # fmt: skip


def test_rotated_text_stays_rotated_when_translated(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", rotated_page)

    written = translate(path, tmp_path / "b.pdf", str.upper)

    assert written.notes["fitted"] + written.notes.get("shrunk", 0) == 2
    # PDFium leaves spaces of upright text out when it reads.
    assert "UPWARDSALONGTHEMARGIN" in text_of(tmp_path / "b.pdf").replace(" ", "")
    assert difference(path, tmp_path / "b.pdf") < 0.02


def test_form_is_edited_when_its_text_is_translated(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", form_page, form_page)

    translate(path, tmp_path / "b.pdf", str.upper)

    for page in range(2):
        text = text_of(tmp_path / "b.pdf", page)
        assert "THE LETTERHEAD OF EVERYBODY" in text
        assert "letterhead" not in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("el", "Καλημέρα κόσμε, όλα καλά"),
        ("ru", "Съешь ещё этих мягких булок"),
        ("zh", "敏捷的棕色狐狸跳过了懒狗"),
        ("ja", "いろはにほへと、ちりぬるを"),
        ("ko", "다람쥐 헌 쳇바퀴에 타고파"),
        ("vi", "Chào buổi sáng, thế giới"),
    ],
)
def test_text_is_embedded_and_readable_when_in_another_script(
    tmp_path: Path, language: str, words: str
) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    written = translate(path, tmp_path / "b.pdf", lambda _: words, language)

    assert words.replace(" ", "") in text_of(tmp_path / "b.pdf").replace(" ", "")
    assert written.layout is not None
    assert written.layout["missing_glyphs"] == []
    assert (tmp_path / "b.pdf").stat().st_size < 150_000
    with pikepdf.open(tmp_path / "b.pdf") as pdf:
        faces = [font for name, font in pdf.pages[0].Resources.Font.items() if "/Fb" in name]
        assert faces
        for font in faces:
            descriptor = font.DescendantFonts[0].FontDescriptor
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor


def test_glyph_is_reported_when_no_font_has_it(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    written = translate(path, tmp_path / "b.pdf", lambda _: "Linear A: \U00010600")

    assert written.layout is not None
    assert written.layout["missing_glyphs"] == ["U+10600"]


def test_longer_text_shrinks_inside_the_page_when_there_is_no_room(tmp_path: Path) -> None:
    def crowded(canvas: object) -> None:
        top = HEIGHT - 40
        while top > 60:
            top = paragraph(canvas, _FULL_LINE, 40, top, WIDTH - 80, BODY)

    path = draw(tmp_path / "a.pdf", crowded)

    written = translate(path, tmp_path / "b.pdf", lambda text: text + " " + text[: len(text) // 3])

    assert written.notes["shrunk"] > 0
    assert written.layout is not None
    with pikepdf.open(tmp_path / "b.pdf") as pdf:
        assert len(pdf.pages) == 1
    assert "from side to side" in text_of(tmp_path / "b.pdf")


def test_links_bookmarks_and_pictures_are_kept_when_translated(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    translate(path, tmp_path / "b.pdf", lambda text: "Words before this: " + text)

    with pikepdf.open(path) as before, pikepdf.open(tmp_path / "b.pdf") as after:
        old, new = before.pages[0], after.pages[0]
        assert [a.A.URI for a in new.Annots] == [a.A.URI for a in old.Annots]
        # Moved with its words.
        assert [float(v) for v in new.Annots[0].Rect] != [float(v) for v in old.Annots[0].Rect]
        assert len(new.get_images()) == len(old.get_images()) == 1
        assert str(after.Root.Outlines.First.Title) == "Words before this: First chapter"
        assert str(after.Root.Lang) == "pt"


def test_file_is_the_same_when_written_twice(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    translate(path, tmp_path / "b.pdf", str.upper)
    translate(path, tmp_path / "c.pdf", str.upper)

    assert (tmp_path / "b.pdf").read_bytes() == (tmp_path / "c.pdf").read_bytes()


def test_report_tells_of_every_block_when_written(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.pdf", prose_page)

    written = translate(path, tmp_path / "b.pdf", str.upper)

    assert written.layout is not None
    totals, blocks = written.layout["totals"], written.layout["blocks"]
    assert isinstance(totals, dict)
    assert isinstance(blocks, list)
    assert totals["pages"] == 1
    assert totals.get("overflowed", 0) == 0
    assert {block["outcome"] for block in blocks} <= {"fitted", "shrunk", "untouched"}
    assert [block["reason"] for block in blocks if block["outcome"] == "untouched"] == ["code"]
