"""Office documents from anybody end in a result or a typed error, within their time and memory."""

import io
import resource
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.office_round_trips import OPTIONS, write_swapped
from translation_worker.formats.codec import Codec, CodecOptions, DocumentError, DocumentLimits
from translation_worker.formats.docx import DocxCodec
from translation_worker.formats.odt import OdtCodec
from translation_worker.formats.pptx import PptxCodec
from translation_worker.formats.xlsx import XlsxCodec

DOCX = DocxCodec()
MIB = 1024 * 1024
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
LAUGHS = b"<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><a>&b;</a>"
OUTSIDE = b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"


def document(replaced: Mapping[str, bytes] | None = None) -> bytes:
    """Return a Word document in which some parts are something else."""
    buffer = io.BytesIO()
    made = docx.Document()
    made.add_paragraph("Some words")
    made.save(buffer)
    written = io.BytesIO()
    with (
        zipfile.ZipFile(buffer) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, (replaced or {}).get(name, source.read(name)))
    return written.getvalue()


def body(markup: str) -> bytes:
    return f"<w:document {W}><w:body>{markup}</w:body></w:document>".encode()


def refusal(
    path: Path, data: bytes, codec: Codec = DOCX, limits: DocumentLimits | None = None
) -> str:
    path.write_bytes(data)
    options = CodecOptions(limits=limits or DocumentLimits())
    with pytest.raises(DocumentError) as caught:
        codec.read(path, options)
    with pytest.raises(DocumentError):
        codec.write(path, {}, path.with_suffix(".t"), "pt", options)
    return caught.value.reason


@pytest.mark.matrix(36)
@pytest.mark.parametrize("data", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize(
    "part", ["word/document.xml", "word/styles.xml", "[Content_Types].xml", "docProps/core.xml"]
)
def test_a_document_is_refused_when_a_part_declares_entities(
    tmp_path: Path, part: str, data: bytes
) -> None:
    assert refusal(tmp_path / "d", document({part: data})) is FailureReason.DOCUMENT_REFUSED


@pytest.mark.parametrize(
    ("part", "data", "reason"),
    [
        ("word/document.xml", b"", FailureReason.DOCUMENT_DAMAGED),
        ("word/document.xml", b"<a>", FailureReason.DOCUMENT_DAMAGED),
        ("[Content_Types].xml", b"not xml", FailureReason.DOCUMENT_DAMAGED),
        ("word/document.xml", b"<a>" * 300 + b"</a>" * 300, FailureReason.DOCUMENT_TOO_LARGE),
        ("word/document.xml", b" " * 70 * MIB, FailureReason.DOCUMENT_TOO_LARGE),
    ],
)
def test_a_document_ends_in_its_reason_when_a_part_is_hostile(
    tmp_path: Path, part: str, data: bytes, reason: FailureReason
) -> None:
    assert refusal(tmp_path / "d", document({part: data})) is reason


@pytest.mark.parametrize("codec", [DocxCodec(), PptxCodec(), XlsxCodec(), OdtCodec()])
def test_a_document_is_damaged_when_it_is_a_zip_of_something_else(
    tmp_path: Path, codec: Codec
) -> None:
    path = tmp_path / "d"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("readme.txt", "words")
    if isinstance(codec, OdtCodec):
        assert codec.read(path, OPTIONS) == []
    else:
        assert refusal(path, path.read_bytes(), codec) is FailureReason.DOCUMENT_DAMAGED


def test_a_document_is_too_large_when_it_has_more_text_than_is_accepted(tmp_path: Path) -> None:
    words = body("<w:p><w:r><w:t>word</w:t></w:r></w:p>" * 20)
    data = document({"word/document.xml": words})
    for limits in (DocumentLimits(max_segments=19), DocumentLimits(max_characters=79)):
        (tmp_path / "d").write_bytes(data)
        with pytest.raises(DocumentError) as caught:
            DOCX.read(tmp_path / "d", CodecOptions(limits=limits))
        assert caught.value.reason is FailureReason.DOCUMENT_TOO_LARGE


RUN = "<w:r><w:t>a </w:t></w:r>"
BEGIN = "<w:r><w:fldChar w:fldCharType='begin'/></w:r>"
COUNT = 5_000
HEAVY = {
    "runs": f"<w:p>{RUN * COUNT}</w:p>",
    "styles": "<w:p>"
    + "".join(
        f"<w:r><w:rPr><w:sz w:val='{index}'/></w:rPr><w:t>ab</w:t></w:r>" for index in range(COUNT)
    )
    + "</w:p>",
    "fields never ended": f"<w:p>{BEGIN * COUNT}{RUN}</w:p>",
    "fields in results": "<w:p>"
    + (
        "<w:r><w:fldChar w:fldCharType='begin'/><w:instrText>REF x</w:instrText>"
        "<w:fldChar w:fldCharType='separate'/><w:t>a</w:t></w:r>"
    )
    * COUNT
    + "</w:p>",
    "bookmarks never ended": "<w:p>"
    + "".join(f"<w:bookmarkStart w:id='{index}'/>{RUN}" for index in range(COUNT))
    + "</w:p>",
    "bookmarks that cross": "<w:p>"
    + "".join(f"<w:bookmarkStart w:id='{index}'/>{RUN}" for index in range(COUNT))
    + "".join(f"<w:bookmarkEnd w:id='{index}'/>{RUN}" for index in range(COUNT))
    + "</w:p>",
    "links in links": "<w:p>" + "<w:hyperlink>" * 200 + RUN + "</w:hyperlink>" * 200 + "</w:p>",
    "text boxes in text boxes": "<w:p><w:r><w:pict><w:txbxContent>" * 50
    + f"<w:p>{RUN}</w:p>"
    + "</w:txbxContent></w:pict></w:r></w:p>" * 50,
    "empty paragraphs": "<w:p/>" * COUNT,
}


@pytest.mark.parametrize("kind", list(HEAVY))
def test_a_heavy_document_is_read_and_written_in_little_time(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "d"
    path.write_bytes(document({"word/document.xml": body(HEAVY[kind])}))
    started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_swapped(DOCX, path, tmp_path / "t")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert time.process_time() - started < 10
    assert grown < 400 * 1024


def test_styles_based_on_each_other_in_a_circle_are_read(tmp_path: Path) -> None:
    style = "<w:style w:type='paragraph' w:styleId='{0}'><w:basedOn w:val='{1}'/></w:style>"
    styles = f"<w:styles {W}>{style.format('a', 'b')}{style.format('b', 'a')}</w:styles>"
    path = tmp_path / "d"
    path.write_bytes(document({"word/styles.xml": styles.encode()}))
    assert next(one.content for one in DOCX.read(path, OPTIONS)) == ("Some words",)


NAMES = st.sampled_from(
    (
        *("p", "r", "t", "rPr", "pPr", "hyperlink", "ins", "del"),
        *("sdt", "sdtContent", "sdtPr", "fldChar", "instrText", "bookmarkStart", "bookmarkEnd"),
        *(
            "tab",
            "br",
            "txbxContent",
            "smartTag",
            "tbl",
            "tr",
            "tc",
            "fldSimple",
            "footnoteReference",
        ),
    )
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(("id", "val", "fldCharType", "instr", "name")),
    st.sampled_from(("1", "2", "begin", "separate", "end", "REF x", "_GoBack", "")),
    max_size=2,
)


def markup(name: str, attributes: Mapping[str, str], inner: list[str]) -> str:
    written = "".join(f' w:{key}="{value}"' for key, value in attributes.items())
    return f"<w:{name}{written}>{''.join(inner)}</w:{name}>"


TREES = st.recursive(
    st.one_of(
        st.builds("<w:t>{}</w:t>".format, st.sampled_from(("one two", " ", "x", "3", "."))),
        st.builds(markup, NAMES, ATTRIBUTES, st.just([])),
    ),
    lambda inner: st.builds(markup, NAMES, ATTRIBUTES, st.lists(inner, max_size=4)),
    max_leaves=25,
)


TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=st.lists(TREES, min_size=1, max_size=3))
def test_any_nesting_of_elements_is_read_and_written(
    tmp_path_factory: pytest.TempPathFactory, tree: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path, target = folder / "any.docx", folder / "other.docx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("[Content_Types].xml", TYPES)
        package.writestr("word/document.xml", body("".join(f"<w:p>{one}</w:p>" for one in tree)))
    write_swapped(DOCX, path, target)
    before, after = DOCX.read(path, OPTIONS), DOCX.read(target, OPTIONS)
    assert {one.segment_id for one in after} == {one.segment_id for one in before}
