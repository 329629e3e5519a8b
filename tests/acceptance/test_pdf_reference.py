"""A real manual of 261 pages, translated: what must not change is counted page by page."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium  # type: ignore[import-untyped] # published without types
import pytest

from translation_worker.chain import Chains
from translation_worker.document import Content, Segment, TagKind, plain_text, tags_of
from translation_worker.engines.brief import NO_BRIEF
from translation_worker.engines.registry import find_engines
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.pdf.codec import PdfCodec
from translation_worker.segment_translation import SegmentTranslator

# The Debian Reference (GPL) is fetched or taken from the system, and never kept with the tests.
_PACKAGE = "debian-reference-en"
_PATH = "usr/share/debian-reference/debian-reference.en.pdf"
_MODES = Path("/usr/share/apertium/modes")
_MASK = re.compile(r"XQZ ?\d|</?[gx]\d")
_BATCH = 200

Translate = Callable[[Sequence[Segment]], Mapping[str, Content]]


@dataclass(frozen=True)
class Translated:
    """The manual and its translation."""

    original: Path
    path: Path
    segments: Sequence[Segment]
    translations: Mapping[str, Content]
    written: Written


@pytest.fixture(scope="session")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manual as the system has it, or as its package brings it."""
    installed = Path("/") / _PATH
    if installed.exists():
        return installed
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip(f"the manual comes with {_PACKAGE}, which is not installed")
    place = tmp_path_factory.mktemp("manual")
    fetched = subprocess.run(
        ["apt-get", "download", _PACKAGE], cwd=place, capture_output=True, timeout=120, check=False
    )
    packages = list(place.glob("*.deb"))
    if fetched.returncode or not packages:
        pytest.skip(f"{_PACKAGE} cannot be fetched here")
    subprocess.run(["dpkg-deb", "-x", packages[0], place], check=True, timeout=60)
    return place / _PATH


@contextmanager
def _engine(name: str, language: str) -> Iterator[Translate]:
    """Translate by a real engine, as a step of the worker does."""
    engines = find_engines((name,), _MODES)
    if name not in engines:
        pytest.skip(f"the engine {name} is not on this machine")
    chains = Chains(engines)
    try:
        chain = chains.open("en", language, [name], NO_BRIEF)
        translator = SegmentTranslator(chain, "en", language, lambda: None)

        def translate(segments: Sequence[Segment]) -> Mapping[str, Content]:
            done: dict[str, Content] = {}
            for start in range(0, len(segments), _BATCH):
                for result in translator.translate(segments[start : start + _BATCH]):
                    done[result.segment_id] = result.content
            return done

        yield translate
    finally:
        chains.close()
        for engine in engines.values():
            engine.close()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("es", "apertium"), id="es"),
        pytest.param(("pt", "apertium"), id="pt", marks=pytest.mark.slow),
    ],
)
def translated(
    request: pytest.FixtureRequest, manual: Path, tmp_path_factory: pytest.TempPathFactory
) -> Translated:
    language, engine = request.param
    codec, options = PdfCodec(), CodecOptions(source_language="en")
    segments = codec.read(manual, options)
    with _engine(engine, language) as translate:
        translations = translate(segments)
    path = tmp_path_factory.mktemp("translated") / f"{language}.pdf"
    written = codec.write(manual, translations, path, language, options)
    return Translated(manual, path, segments, translations, written)


def _links(page: pikepdf.Page) -> list[bytes]:
    return [
        annotation.get("/A", annotation.get("/Dest", pikepdf.Array())).unparse()
        for annotation in page.obj.get("/Annots", pikepdf.Array()).as_list()
    ]


def _bookmarks(pdf: pikepdf.Pdf) -> int:
    with pdf.open_outline() as outline:
        waiting = list(outline.root)
        count = 0
        while waiting:
            count += 1
            waiting += waiting.pop().children
    return count


def _code(page: object) -> Counter[str]:
    """Return the lines of a page that are set in a fixed pitch altogether, and their places."""
    from translation_worker.formats.pdf.analysis import Untouched, analyse

    return Counter(
        f"{line.x0:.0f} {line.y:.0f} {line.text.strip()}"
        for block in analyse(page).blocks  # type: ignore[arg-type] # read_page's answer
        if block.untouched is Untouched.CODE
        for line in block.block.lines
    )


@pytest.mark.timeout(1800)  # the real engines translate a book here
def test_manual_keeps_all_but_its_words_when_translated(translated: Translated) -> None:
    with pikepdf.open(translated.original) as before, pikepdf.open(translated.path) as after:
        assert len(after.pages) == len(before.pages) > 250
        assert _bookmarks(after) == _bookmarks(before) > 400
        links = 0
        for old, new in zip(before.pages, after.pages, strict=True):
            assert _links(new) == _links(old)
            assert {n: i.read_raw_bytes() for n, i in new.get_images().items()} == {
                n: i.read_raw_bytes() for n, i in old.get_images().items()
            }
            links += len(_links(new))
        assert links > 4000
    assert translated.path.stat().st_size <= 1.2 * translated.original.stat().st_size


@pytest.mark.timeout(1800)  # as above, if this test is the first to want the translation
def test_manual_keeps_its_code_when_translated(translated: Translated) -> None:
    from translation_worker.formats.pdf.reading import open_document, read_page

    before, after = open_document(translated.original), open_document(translated.path)
    lines = kept = 0
    for index in range(len(before)):
        old, new = (_code(read_page(document, index, ())) for document in (before, after))
        lines += old.total()
        kept += (old & new).total()
    before.close()
    after.close()
    assert lines > 2000
    # Code that fills a line inside a sentence moves with its sentence: a few of thousands.
    assert kept >= 0.998 * lines


@pytest.mark.timeout(1800)  # as above
def test_manual_fits_its_pages_when_translated(translated: Translated) -> None:
    layout = translated.written.layout
    assert layout is not None
    totals = layout["totals"]
    assert isinstance(totals, dict)
    drawn = totals["fitted"] + totals["shrunk"] + totals.get("overflowed", 0)
    assert drawn > 5000
    assert totals.get("overflowed", 0) <= 0.02 * drawn
    assert totals["shrunk"] <= 0.2 * drawn
    assert totals.get("troubled_pages", 0) == 0
    assert layout["missing_glyphs"] == []


@pytest.mark.timeout(1800)  # as above
def test_manual_shows_no_mask_and_nothing_off_its_pages_when_translated(
    translated: Translated,
) -> None:
    before = pdfium.PdfDocument(translated.original)
    after = pdfium.PdfDocument(translated.path)
    for index in range(len(after)):
        old, new = before[index], after[index]
        text = new.get_textpage()
        assert not _MASK.search(text.get_text_range()), f"page {index + 1}"
        # A table that runs off its page in the original still does, in a few letters more.
        assert _outside(new) <= 1.3 * _outside(old), f"page {index + 1}"
    before.close()
    after.close()


def _outside(page: object) -> int:
    """Count the characters of a page that are not inside its box."""
    left, bottom, right, top = page.get_bbox()  # type: ignore[attr-defined] # PDFium has no types
    text = page.get_textpage()  # type: ignore[attr-defined] # as above
    count = 0
    for index in range(text.count_chars()):
        x0, y0, x1, y1 = text.get_charbox(index)
        count += x0 < left - 1 or y0 < bottom - 1 or x1 > right + 1 or y1 > top + 1
    text.close()
    return count


@pytest.mark.timeout(1800)  # as above
def test_words_of_the_manual_are_the_translation_when_read_again(translated: Translated) -> None:
    """Nothing that was translated is lost on the way into the page."""
    after = pdfium.PdfDocument(translated.path)
    pages = ["".join(after[n].get_textpage().get_text_range().split()) for n in range(len(after))]
    after.close()
    wanted = [
        (int(match[1]), "".join(plain_text(content).split()))
        for segment_id, content in translated.translations.items()
        if (match := re.match(r"p(\d+)\.", segment_id))
        and len(plain_text(content)) < 40
        and not any(tag.kind is TagKind.ALONE for tag in tags_of(content))
    ]
    # Short ones stand on one line, so that neither hyphens nor reading order come between.
    found = sum(text in pages[page - 1] for page, text in wanted)
    assert len(wanted) > 1000
    assert found >= 0.97 * len(wanted)


@pytest.mark.alone
def test_the_manual_is_read_within_its_time_when_the_machine_is_idle(manual: Path) -> None:
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("other work on this machine would be measured too")
    started = os.times()
    PdfCodec().read(manual, CodecOptions())
    ended = os.times()
    assert ended.user - started.user < 20
