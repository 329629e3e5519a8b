"""EPUB: the words of a book change, and nothing else of it."""

import io
import zipfile

import pytest
from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.epub_samples import (
    CONTAINER,
    MEMBERS,
    METADATA,
    PAGE,
    book,
    members_of,
)
from tests.unit.translation_worker.formats.text_round_trips import (
    kept,
    louder,
    same,
    texts_of,
    written,
)
from translation_worker.formats.codec import CodecOptions, DocumentLimits
from translation_worker.formats.epub import EpubCodec

EPUB = EpubCodec()


def test_words_change_everywhere_when_a_book_is_translated() -> None:
    data = book()
    new, outcome = written(EPUB, data, louder)
    old_members, members = members_of(data), members_of(new)

    assert list(members) == list(old_members)
    assert members["OEBPS/one page.xhtml"] == (
        PAGE.replace('xml:lang="en" lang="en"', 'xml:lang="pt" lang="pt"')
        .replace("<title>Chapter one", "<title>CHAPTER ONE")
        .replace("<h1>Chapter <em>one</em>", "<h1>CHAPTER <em>ONE</em>")
        .replace("It was a <b>dark</b> night", "IT WAS A <b>DARK</b> NIGHT")
        .replace(" so they say.<br/>Rain fell.", " SO THEY SAY.<br/>RAIN FELL.")
        .replace("A lamp", "A LAMP")
    )
    assert ">CHAPTER ONE</a>" in members["OEBPS/nav.xhtml"]
    assert '<html xml:lang="pt" xmlns=' in members["OEBPS/nav.xhtml"]
    assert "<text>THE LAMP</text>" in members["OEBPS/toc.ncx"]
    assert 'xml:lang="pt"' in members["OEBPS/toc.ncx"]
    assert members["OEBPS/book.opf"] == METADATA.replace(
        "The lamp &amp; I", "THE LAMP &amp; I"
    ).replace("<dc:language>en", "<dc:language>pt")
    assert members["OEBPS/a.png"] == old_members["OEBPS/a.png"]
    assert outcome.notes == {}
    for name in ("OEBPS/one page.xhtml", "OEBPS/nav.xhtml", "OEBPS/toc.ncx", "OEBPS/book.opf"):
        etree.fromstring(members[name].encode())


def test_package_keeps_its_form_when_a_book_is_translated() -> None:
    data = book()
    before = zipfile.ZipFile(io.BytesIO(data)).infolist()
    after = zipfile.ZipFile(io.BytesIO(written(EPUB, data, louder)[0])).infolist()

    assert [(one.filename, one.compress_type, one.date_time) for one in after] == [
        (one.filename, one.compress_type, one.date_time) for one in before
    ]
    assert after[0].filename == "mimetype"
    assert after[0].compress_type == zipfile.ZIP_STORED


def test_bytes_stay_when_nothing_is_translated() -> None:
    assert written(EPUB, book(), same)[0] == book()


def test_pages_come_in_order_of_reading_when_it_is_read() -> None:
    texts = texts_of(EPUB, book())

    assert texts[:4] == [
        "Chapter one",
        "Chapter one",
        "It was a dark night\xa0— so they say.",
        "Rain fell.",
    ]
    assert texts[-1] == "The lamp & I"


@pytest.mark.matrix(34, 36)
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"META-INF/container.xml": None}, FailureReason.DOCUMENT_DAMAGED),
        ({"META-INF/container.xml": "<container"}, FailureReason.DOCUMENT_DAMAGED),
        ({"OEBPS/book.opf": None}, FailureReason.DOCUMENT_DAMAGED),
        (
            {"META-INF/container.xml": f'<!DOCTYPE x [<!ENTITY a "b">]>{CONTAINER[21:]}'},
            FailureReason.DOCUMENT_REFUSED,
        ),
        (
            {"OEBPS/one page.xhtml": '<!DOCTYPE html [<!ENTITY a "&b;">]><html><p>a</p></html>'},
            FailureReason.DOCUMENT_REFUSED,
        ),
        ({"OEBPS/one page.xhtml": "<html>\0</html>"}, FailureReason.DOCUMENT_DAMAGED),
        ({"OEBPS/one page.xhtml": "a" * 30_000_000}, FailureReason.DOCUMENT_TOO_LARGE),
        (
            {
                "META-INF/encryption.xml": "<encryption><EncryptedData><EncryptionMethod "
                'Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></EncryptedData></encryption>'
            },
            FailureReason.DOCUMENT_ENCRYPTED,
        ),
    ],
)
def test_book_is_refused_when_it_is_hostile(
    changed: dict[str, str | None], reason: FailureReason
) -> None:
    assert kept(EPUB, book(changed)) is reason


def test_book_is_read_when_only_its_fonts_are_obfuscated() -> None:
    fonts = (
        "<encryption><EncryptedData><EncryptionMethod "
        'Algorithm="http://www.idpf.org/2008/embedding"/></EncryptedData></encryption>'
    )
    data = book({"META-INF/encryption.xml": fonts})

    assert kept(EPUB, data) == data


def test_book_is_refused_when_it_has_too_many_members() -> None:
    options = CodecOptions(limits=DocumentLimits(max_members=5))

    assert kept(EPUB, book(), options) is FailureReason.DOCUMENT_TOO_LARGE


def test_book_is_recognised_when_its_first_member_says_so() -> None:
    assert EPUB.recognises(book()[:4096], ())
    assert EPUB.recognises(b"PK\x03\x04", MEMBERS.keys())
    assert not EPUB.recognises(b"PK\x03\x04", ("word/document.xml",))
