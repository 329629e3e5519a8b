"""Word documents keep everything but their words."""

import zipfile
from pathlib import Path

import docx
import pytest
from docx.document import Document

from tests.unit.translation_worker.formats.docx_samples import (
    RUN,
    field,
    full_document,
    saved,
    with_markup,
)
from tests.unit.translation_worker.formats.office_round_trips import (
    OPTIONS,
    assert_keeps_everything_but_words,
    read,
    texts,
    translations_of,
    write_swapped,
)
from translation_worker.document import Tag, TagKind
from translation_worker.formats.docx import DocxCodec

CODEC = DocxCodec()


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        # Runs that look alike are one.
        ([RUN.format("Spell"), "<w:proofErr w:type='spellStart'/>", RUN.format("ing")], "Spelling"),
        (
            [
                "<w:r w:rsidR='00A1'><w:rPr><w:lang w:val='en-GB'/></w:rPr><w:t>One </w:t></w:r>",
                "<w:r><w:rPr><w:noProof/></w:rPr><w:t>word</w:t></w:r>",
            ],
            "One word",
        ),
        # A style that changes inside of a word is that of most of it.
        (
            [
                RUN.format("A "),
                "<w:r><w:rPr><w:b/></w:rPr><w:t>ta</w:t></w:r>",
                RUN.format("iled ends"),
            ],
            "A tailed ends",
        ),
        # A space or a stop has no style.
        (
            [
                "<w:r><w:rPr><w:b/></w:rPr><w:t>Note</w:t></w:r>",
                "<w:r><w:rPr><w:i/></w:rPr><w:t>: </w:t></w:r>",
                RUN.format("all of this is plain."),
            ],
            "<g1>Note:</g1> all of this is plain.",
        ),
        (
            [
                RUN.format("H"),
                "<w:r><w:rPr><w:vertAlign w:val='subscript'/></w:rPr><w:t>2</w:t></w:r>",
                RUN.format("O"),
            ],
            "H<x1/>O",
        ),
        (
            [
                RUN.format("The 1"),
                "<w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>st</w:t></w:r>",
                RUN.format(" place"),
            ],
            "The 1st place",
        ),
        # What a program has made stays; what an author has written is translated.
        ([RUN.format("Page "), field("PAGE", "3"), RUN.format(" ends")], "Page <x1/> ends"),
        (
            [RUN.format("Read "), field('HYPERLINK "http://a.b"', "the book"), RUN.format(" now")],
            "Read <g1>the book</g1> now",
        ),
        (
            [
                RUN.format("Read "),
                field('IF 1 = 1 "a" "b"', field("DATE", "today")),
                RUN.format(" now"),
            ],
            "Read <x1/> now",
        ),
        (
            [
                "<w:fldSimple w:instr=' AUTHOR '>",
                RUN.format("Someone"),
                "</w:fldSimple>",
                RUN.format(" wrote it"),
            ],
            "wrote it",
        ),
        (
            [
                RUN.format("It was "),
                "<w:del w:id='1' w:author='a'><w:r><w:delText>bad</w:delText></w:r></w:del>",
                "<w:ins w:id='2' w:author='a'><w:r><w:t>good</w:t></w:r></w:ins>",
                RUN.format(" once"),
            ],
            "It was <x1/><g2>good</g2> once",
        ),
        # A link around all the words is no matter of theirs, nor is what stands beside them.
        (
            ["<w:r><w:tab/></w:r><w:hyperlink w:anchor='x'>", RUN.format("All"), "</w:hyperlink>"],
            "All",
        ),
        (
            [
                "<w:bookmarkStart w:id='1' w:name='_GoBack'/>",
                RUN.format("Go "),
                "<w:bookmarkEnd w:id='1'/>",
                "<w:bookmarkStart w:id='2' w:name='_Ref1'/>",
                RUN.format("home"),
                "<w:bookmarkEnd w:id='2'/>",
                RUN.format(" now"),
            ],
            "Go <x1/><g2>home</g2> now",
        ),
        # A mark whose other end is elsewhere, and two that cross.
        ([RUN.format("a "), "<w:bookmarkStart w:id='1' w:name='b'/>", RUN.format("b")], "a <x1/>b"),
        (
            [
                RUN.format("a "),
                "<w:bookmarkStart w:id='1' w:name='x'/>",
                RUN.format("b "),
                "<w:commentRangeStart w:id='1'/>",
                RUN.format("c "),
                "<w:bookmarkEnd w:id='1'/>",
                RUN.format("d "),
                "<w:commentRangeEnd w:id='1'/>",
                RUN.format("e"),
            ],
            "a <g1>b <x2/>c </g1>d <x3/>e",
        ),
        (
            [
                RUN.format("Run "),
                "<w:r><w:rPr><w:rFonts w:ascii='Consolas'/></w:rPr><w:t>ls -l</w:t></w:r>",
                RUN.format(" to see all of your files."),
            ],
            "Run <x1/> to see all of your files.",
        ),
        (
            [
                "<w:sdt><w:sdtPr><w:text/></w:sdtPr><w:sdtContent>",
                RUN.format("Free"),
                "</w:sdtContent></w:sdt><w:sdt><w:sdtPr><w:dropDownList/></w:sdtPr><w:sdtContent>",
                RUN.format("Chosen"),
                "</w:sdtContent></w:sdt>",
                RUN.format(" words"),
            ],
            "<g1>Free</g1><x2/> words",
        ),
        (
            [RUN.format("A"), "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>", RUN.format("B")],
            "A<x1/>B",
        ),
        (["<w:r><w:t>non</w:t><w:noBreakHyphen/><w:t>stop</w:t></w:r>"], "non\u2011stop"),
    ],
)
def test_a_paragraph_becomes_words_with_few_tags(
    tmp_path: Path, markup: list[str], expected: str
) -> None:
    path = with_markup(tmp_path, *markup)
    assert texts(CODEC, path) == [expected]
    write_swapped(CODEC, path, tmp_path / "target")
    assert texts(CODEC, tmp_path / "target")[0].lower() == expected.lower()


def test_all_stories_are_read_when_a_document_has_them(tmp_path: Path) -> None:
    path = saved(tmp_path, full_document)
    found = {one.content[0]: one.context for one in CODEC.read(path, OPTIONS)}
    assert found["Introduction"] == "heading"
    assert found["Name"] == "table cell"
    assert found["Words of the header"] == "header"
    assert found["Words of the footer"] == "footer"
    assert found["The quarterly report"] == "document title"


def test_only_words_change_when_a_full_document_is_written(tmp_path: Path) -> None:
    assert_keeps_everything_but_words(CODEC, saved(tmp_path, full_document), tmp_path)


def test_a_written_document_opens_elsewhere_with_its_new_words(tmp_path: Path) -> None:
    path, target = saved(tmp_path, full_document), tmp_path / "target.docx"
    words = {"Introduction": "Introdução", "Name": "Nome"}
    CODEC.write(path, translations_of(CODEC, path, words), target, "pt", OPTIONS)
    document = docx.Document(str(target))
    assert document.paragraphs[0].text == "Introdução"
    assert document.paragraphs[0].style is not None
    assert document.paragraphs[0].style.name == "Heading 1"
    assert document.paragraphs[1].text == "This is a very important sentence."
    assert document.tables[0].cell(0, 0).text == "Nome"
    assert document.styles.element.xpath("//w:rPrDefault//w:lang/@w:val") == ["pt-PT"]


def test_words_move_with_their_style_when_a_translation_orders_them_anew(tmp_path: Path) -> None:
    path = with_markup(
        tmp_path,
        RUN.format("the "),
        "<w:r><w:rPr><w:b/></w:rPr><w:t>red</w:t></w:r>",
        RUN.format(" house"),
    )
    (segment,) = CODEC.read(path, OPTIONS)
    opening, closing = Tag(1, TagKind.OPENING), Tag(1, TagKind.CLOSING)
    content = ("la casa ", opening, "roja", closing)
    CODEC.write(path, {segment.segment_id: content}, tmp_path / "t.docx", "es", OPTIONS)
    (paragraph,) = docx.Document(str(tmp_path / "t.docx")).paragraphs
    assert [(run.text, bool(run.bold)) for run in paragraph.runs] == [
        ("la casa ", False),
        ("roja", True),
    ]


def test_nothing_is_lost_when_a_translation_has_lost_its_tags(tmp_path: Path) -> None:
    path = with_markup(
        tmp_path,
        RUN.format("one "),
        '<w:r><w:footnoteReference w:id="2"/></w:r>',
        "<w:hyperlink w:anchor='x'>",
        RUN.format("two"),
        "</w:hyperlink>",
        RUN.format(" three"),
    )
    (segment,) = CODEC.read(path, OPTIONS)
    wrong = (Tag(9, TagKind.ALONE), Tag(2, TagKind.CLOSING), "x", Tag(7, TagKind.OPENING), "y")
    CODEC.write(path, {segment.segment_id: wrong}, tmp_path / "t.docx", "es", OPTIONS)
    (paragraph,) = docx.Document(str(tmp_path / "t.docx")).paragraphs
    assert paragraph.text == "xy"
    assert len(paragraph._p.xpath(".//w:footnoteReference")) == 1


def test_a_text_box_is_one_segment_when_it_is_there_for_old_programs_too(tmp_path: Path) -> None:
    box = f"<w:txbxContent><w:p>{RUN.format('In a box')}</w:p></w:txbxContent>"
    path = with_markup(
        tmp_path,
        RUN.format("Around "),
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:wsp><wps:txbx>",
        box,
        "</wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>",
        box,
        "</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>",
        RUN.format(" it"),
    )
    assert texts(CODEC, path) == ["Around <x1/> it", "In a box"]
    write_swapped(CODEC, path, tmp_path / "t.docx")
    written = docx.Document(str(tmp_path / "t.docx"))
    assert written.element.xpath("//w:txbxContent//w:t/text()") == ["iN A BOX", "iN A BOX"]
    assert written.paragraphs[0].text == "aROUND  IT"


@pytest.mark.parametrize(
    ("name", "is_code"),
    [
        ("Source Code", True),
        ("HTML Preformatted", True),
        ("Verbatim Char", True),
        ("Code Block", True),
        ("Source", False),
        ("Postal code", False),
        ("Code of Conduct", False),
    ],
)
def test_a_paragraph_is_left_alone_when_its_style_is_one_of_code(
    tmp_path: Path, name: str, is_code: bool
) -> None:
    def fill(document: Document) -> None:
        parent = document.styles.add_style(name, 1)
        child = document.styles.add_style("Child", 1)
        child.base_style = parent
        document.add_paragraph("print something", style=child)

    assert texts(CODEC, saved(tmp_path, fill)) == ([] if is_code else ["print something"])


def test_words_are_translated_when_the_whole_document_is_typewritten(tmp_path: Path) -> None:
    path = with_markup(
        tmp_path,
        "<w:r><w:rPr><w:rFonts w:ascii='Courier New'/></w:rPr><w:t>INT. A HOUSE</w:t></w:r>",
    )
    assert texts(CODEC, path) == ["INT. A HOUSE"]


def test_words_that_xml_cannot_hold_are_written_without_harm(tmp_path: Path) -> None:
    path = with_markup(tmp_path, RUN.format("word"))
    (name,) = read(CODEC, path)
    CODEC.write(path, {name: ("a\0b\x0b\n<c> &amp;",)}, tmp_path / "t.docx", "", OPTIONS)
    assert docx.Document(str(tmp_path / "t.docx")).paragraphs[0].text == "ab <c> &amp;"


def test_words_run_from_the_right_when_the_language_does(tmp_path: Path) -> None:
    path = with_markup(
        tmp_path,
        "<w:r><w:rPr><w:b/><w:lang w:val='en-US'/></w:rPr><w:t>word</w:t></w:r>",
    )
    (name,) = read(CODEC, path)
    CODEC.write(path, {name: ("\u05de\u05d9\u05dc\u05d4",)}, tmp_path / "t.docx", "he", OPTIONS)
    (paragraph,) = docx.Document(str(tmp_path / "t.docx")).paragraphs
    assert len(paragraph._p.xpath("./w:pPr/w:bidi")) == 1
    (properties,) = paragraph._p.xpath("./w:r/w:rPr")
    assert [one.tag.rpartition("}")[2] for one in properties] == ["b", "rtl", "lang"]
    assert paragraph._p.xpath("./w:r/w:rPr/w:lang/@w:bidi") == ["he-IL"]


def test_descriptions_of_a_picture_are_one_segment_wherever_it_has_them(tmp_path: Path) -> None:
    path = with_markup(
        tmp_path,
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline>'
        '<wp:docPr id="1" name="Picture 1" title="A title" descr="A lamp &amp; a table"/>'
        '<a:graphic><a:graphicData uri="x"><wps:wsp><wps:cNvPr id="0" name="lamp.png"'
        ' descr="A lamp &amp; a table"/></wps:wsp></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict>"
        '<v:shape alt="A lamp &amp; a table"/></w:pict></mc:Fallback></mc:AlternateContent></w:r>',
    )
    found = read(CODEC, path).values()
    assert [(one.content, one.context) for one in found] == [
        (("A title",), "description of a picture"),
        (("A lamp & a table",), "description of a picture"),
    ]
    write_swapped(CODEC, path, tmp_path / "target.docx")
    with zipfile.ZipFile(tmp_path / "target.docx") as package:
        written = package.read("word/document.xml").decode()
    assert written.count('"a LAMP &amp; A TABLE"') == 3
    assert 'name="Picture 1" title="a TITLE"' in written
