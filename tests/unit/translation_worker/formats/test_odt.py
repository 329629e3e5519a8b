"""OpenDocument files keep everything but their words."""

import zipfile
from pathlib import Path

import pytest
from lxml import etree
from odf import opendocument, teletype  # type: ignore[import-untyped]  # published without types
from odf import text as odf_text

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.office_round_trips import (
    OPTIONS,
    assert_keeps_everything_but_words,
    read,
    texts,
    write_swapped,
)
from translation_worker.formats.codec import DocumentError
from translation_worker.formats.odt import OdsCodec, OdtCodec

CODEC = OdtCodec()
SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("style", "style"),
        ("table", "table"),
        ("draw", "drawing"),
        ("fo", "xsl-fo-compatible"),
        ("svg", "svg-compatible"),
    )
)
AUTOMATIC = """
<style:style style:name="T1" style:family="text">
  <style:text-properties officeooo:rsid="001a" fo:language="en" fo:country="GB"/>
</style:style>
<style:style style:name="T2" style:family="text">
  <style:text-properties fo:font-weight="bold" officeooo:rsid="001b"/>
</style:style>
<style:style style:name="T3" style:family="text">
  <style:text-properties fo:font-weight="bold"/>
</style:style>
<style:style style:name="T4" style:family="text">
  <style:text-properties style:text-position="sub 58%"/>
</style:style>
<style:style style:name="T5" style:family="text">
  <style:text-properties style:font-name="Courier New1"/>
</style:style>
<style:style style:name="P1" style:family="paragraph"
  style:parent-style-name="Preformatted_20_Text"/>
"""
STYLES = f"""<office:document-styles {SPACES}><office:styles>
<style:default-style style:family="paragraph">
<style:text-properties fo:language="en" fo:country="US" style:language-asian="zh"/>
</style:default-style></office:styles><office:master-styles>
<style:master-page style:name="Standard"><style:header><text:p>Words on top</text:p></style:header>
<style:footer><text:p>Words below <text:page-number>1</text:page-number></text:p></style:footer>
</style:master-page></office:master-styles></office:document-styles>"""
META = (
    '<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:title>A title of it</dc:title>'
    "<dc:language>en-US</dc:language></office:meta></office:document-meta>"
)


def saved(folder: Path, body: str, kind: str = "text", manifest: str = "<manifest/>") -> Path:
    path = folder / "source.odt"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content {SPACES}'
        ' xmlns:officeooo="http://openoffice.org/2009/office"'
        ' xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<office:automatic-styles>{AUTOMATIC}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", CODEC.media_types[0], zipfile.ZIP_STORED)
        package.writestr("content.xml", content)
        package.writestr("styles.xml", STYLES)
        package.writestr("meta.xml", META)
        package.writestr("META-INF/manifest.xml", manifest)
    return path


def content_of(path: Path) -> etree._Element:
    with zipfile.ZipFile(path) as package:
        return etree.fromstring(package.read("content.xml"))


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        # Spans that look alike are one, and those that look like nothing are none.
        ('Spell<text:span text:style-name="T1">ing</text:span>', "Spelling"),
        (
            '<text:span text:style-name="T2">One </text:span>'
            '<text:span text:style-name="T3">bold</text:span> but the rest is plain',
            "<g1>One bold</g1> but the rest is plain",
        ),
        ('H<text:span text:style-name="T4">2</text:span>O', "H<x1/>O"),
        (
            'All <text:a xlink:href="x">of that and '
            '<text:span text:style-name="T2">this</text:span></text:a> here',
            "All <g1>of that and <g2>this</g2></g1> here",
        ),
        ("one<text:s/><text:s text:c='2'/>two", "one   two"),
        ("  one \n   two<text:tab/>three<text:line-break/>four ", "one two<x1/>three<x2/>four"),
        ("Run <text:span text:style-name='Source_20_Text'>ls -l</text:span> now", "Run <x1/> now"),
        (
            "Run <text:span text:style-name='T5'>ls -l</text:span> to see all of them",
            "Run <x1/> to see all of them",
        ),
        (
            "a <text:bookmark-start text:name='m'/>b c<text:bookmark-end text:name='m'/> d",
            "a <g1>b c</g1> d",
        ),
        (
            "Page <text:page-number>3</text:page-number><text:soft-page-break/> ends",
            "Page <x1/> ends",
        ),
    ],
)
def test_a_paragraph_becomes_words_with_few_tags(
    tmp_path: Path, paragraph: str, expected: str
) -> None:
    path = saved(tmp_path, f"<text:p>{paragraph}</text:p>")
    assert texts(CODEC, path)[0] == expected
    write_swapped(CODEC, path, tmp_path / "target")
    assert texts(CODEC, tmp_path / "target")[0].lower() == expected.lower()
    assert_keeps_everything_but_words(CODEC, path, tmp_path)


BODY = """
<text:tracked-changes><text:changed-region><text:deletion><text:p>Deleted words</text:p>
</text:deletion></text:changed-region></text:tracked-changes>
<text:h text:outline-level="1">The heading</text:h>
<text:p text:style-name="P1">print("code")</text:p>
<text:p>Words<text:note><text:note-citation>1</text:note-citation><text:note-body>
<text:p>A note below</text:p></text:note-body></text:note> and <office:annotation>
<text:p>A comment</text:p></office:annotation>more<draw:frame><draw:text-box>
<text:p>In a box</text:p></draw:text-box></draw:frame>.</text:p>
<table:table><table:table-row><table:table-cell><text:p>A cell</text:p></table:table-cell>
</table:table-row></table:table>
"""


def test_all_stories_are_read_when_a_document_has_them(tmp_path: Path) -> None:
    path = saved(tmp_path, BODY)
    segments = read(CODEC, path).values()
    found = dict(zip(texts(CODEC, path), (one.context for one in segments), strict=True))
    assert found == {
        "The heading": "heading",
        "Words<x1/> and <x2/>more<x3/>.": "",
        "A note below": "footnote",
        "A comment": "comment",
        "In a box": "",
        "A cell": "table cell",
        "Words on top": "header",
        "Words below": "footer",
        "A title of it": "document title",
    }
    assert "Deleted words" not in found
    assert_keeps_everything_but_words(CODEC, path, tmp_path)


def test_a_written_document_opens_elsewhere_with_its_new_words(tmp_path: Path) -> None:
    document = opendocument.OpenDocumentText()
    paragraph = odf_text.P(text="Some words of it")
    document.text.addElement(paragraph)
    path, target = tmp_path / "source.odt", tmp_path / "target.odt"
    document.save(str(path))
    write_swapped(CODEC, path, target, "pt")
    written = opendocument.load(str(target))
    (found,) = written.getElementsByType(odf_text.P)
    assert teletype.extractText(found) == "sOME WORDS OF IT"


def test_spaces_in_a_row_are_written_as_elements(tmp_path: Path) -> None:
    path = saved(tmp_path, "<text:p>a</text:p>")
    (name, *_) = read(CODEC, path)
    CODEC.write(path, {name: ("  x   y z",)}, tmp_path / "t", "", OPTIONS)
    (paragraph,) = content_of(tmp_path / "t").iter("{*}p")
    assert [etree.QName(one).localname for one in paragraph] == ["s", "s"]
    assert "".join(paragraph.itertext()) == "x y z"
    assert texts(CODEC, tmp_path / "t")[0] == "x   y z"


@pytest.mark.parametrize(
    ("language", "expected"), [("pt", ("pt", "PT", "zh")), ("ja", ("en", "US", "ja"))]
)
def test_the_language_is_set_where_its_script_has_one(
    tmp_path: Path, language: str, expected: tuple[str, ...]
) -> None:
    path = saved(tmp_path, "<text:p>words</text:p>")
    write_swapped(CODEC, path, tmp_path / "t", language)
    with zipfile.ZipFile(tmp_path / "t") as package:
        styles = etree.fromstring(package.read("styles.xml"))
        meta = package.read("meta.xml").decode()
    (properties,) = styles.iter("{*}text-properties")
    found = {name.rpartition("}")[2]: value for name, value in properties.items()}
    assert (found["language"], found["country"], found["language-asian"]) == expected
    assert f"<dc:language>{language}-" in meta


def test_a_document_with_a_password_is_encrypted(tmp_path: Path) -> None:
    manifest = "<m:manifest xmlns:m='m'><m:encryption-data/></m:manifest>"
    path = saved(tmp_path, "<text:p>words</text:p>", manifest=manifest)
    with pytest.raises(DocumentError) as caught:
        CODEC.read(path, OPTIONS)
    assert caught.value.reason is FailureReason.DOCUMENT_ENCRYPTED


def test_numbers_and_results_of_a_spreadsheet_stay(tmp_path: Path) -> None:
    cells = (
        '<table:table-cell office:value-type="string"><text:p>Some words</text:p>'
        "</table:table-cell>"
        '<table:table-cell office:value-type="date"><text:p>1 May</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string" table:formula="of:=A1">'
        "<text:p>Some result</text:p></table:table-cell>"
    )
    path = saved(tmp_path, f"<table:table><table:table-row>{cells}</table:table-row></table:table>")
    assert "Some words" in texts(OdsCodec(), path)
    assert not {"1 May", "Some result"} & set(texts(OdsCodec(), path))


def test_a_document_is_recognised_by_the_type_it_starts_with(tmp_path: Path) -> None:
    head = saved(tmp_path, "").read_bytes()[:4096]
    assert CODEC.recognises(head, ())
    assert not OdsCodec().recognises(head, ())


def test_descriptions_of_pictures_are_translated(tmp_path: Path) -> None:
    frame = (
        '<text:p><draw:frame draw:name="Image1"><draw:image/><svg:title>A lamp</svg:title>'
        "<svg:desc>It stands on a table.</svg:desc></draw:frame></text:p>"
    )
    path = saved(tmp_path, frame)
    assert "A lamp" in texts(CODEC, path)
    assert_keeps_everything_but_words(CODEC, path, tmp_path)
    write_swapped(CODEC, path, tmp_path / "target.odt")
    with zipfile.ZipFile(tmp_path / "target.odt") as package:
        written = package.read("content.xml").decode()
    assert "<svg:title>a LAMP</svg:title><svg:desc>iT STANDS ON A TABLE.</svg:desc>" in written
    assert 'draw:name="Image1"' in written
