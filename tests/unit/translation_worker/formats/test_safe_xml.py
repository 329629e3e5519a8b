"""XML is parsed without anything that reaches out or blows up, and written as it was."""

import time
from pathlib import Path

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits
from translation_worker.formats.safe_xml import parse_xml, serialise_xml, xml_text

LIMITS = DocumentLimits()
LAUGHS = b"<!DOCTYPE a [<!ENTITY l0 'ha'>%s]><a>&l9;</a>" % b"".join(
    b"<!ENTITY l%d '%s'>" % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10)
)


def refusal(data: bytes, *, allow_doctype_name: bool = False) -> FailureReason:
    with pytest.raises(DocumentError) as caught:
        parse_xml(data, LIMITS, allow_doctype_name=allow_doctype_name)
    return caught.value.reason


@pytest.mark.matrix(36)
@pytest.mark.parametrize("allow_doctype_name", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        LAUGHS,
        LAUGHS.decode().encode("utf-16"),
        b"<!-- c --><?p i?>" + b" " * 10_000 + LAUGHS,
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1/x'> %x;]><a/>",
        b"<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>",
        b"<?xml version='1.0' encoding='gbk'?><!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
    ],
)
def test_a_document_is_refused_when_it_declares_anything(
    data: bytes, allow_doctype_name: bool
) -> None:
    started = time.monotonic()
    reason = refusal(data, allow_doctype_name=allow_doctype_name)
    assert reason is FailureReason.DOCUMENT_REFUSED
    assert time.monotonic() - started < 1


def test_a_named_document_type_is_refused_when_it_is_not_allowed() -> None:
    assert refusal(b"<!DOCTYPE html><html/>") is FailureReason.DOCUMENT_REFUSED


@pytest.mark.matrix(36)
def test_nothing_is_fetched_when_a_document_type_is_only_named(tmp_path: Path) -> None:
    declarations = tmp_path / "x.dtd"
    declarations.write_text("<!ENTITY nbsp 'SECRET'>")
    data = f'<!DOCTYPE html SYSTEM "{declarations.as_uri()}"><html>a&nbsp;b</html>'.encode()
    tree = parse_xml(data, LIMITS, allow_doctype_name=True)
    assert serialise_xml(tree, data) == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<a>" * 300 + b"</a>" * 300, FailureReason.DOCUMENT_TOO_LARGE),
        (b"<a>" * 100_000, FailureReason.DOCUMENT_TOO_LARGE),
        (b"<a>" + b" " * (64 * 1024 * 1024) + b"</a>", FailureReason.DOCUMENT_TOO_LARGE),
        (b"", FailureReason.DOCUMENT_DAMAGED),
        (b"PK\x03\x04", FailureReason.DOCUMENT_DAMAGED),
        (b"<a>\0</a>", FailureReason.DOCUMENT_DAMAGED),
        (b"<a>&undefined;</a>", FailureReason.DOCUMENT_DAMAGED),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', FailureReason.DOCUMENT_DAMAGED),
        (b"<a></b>", FailureReason.DOCUMENT_DAMAGED),
    ],
)
def test_a_document_ends_in_its_reason_when_it_is_hostile(
    data: bytes, reason: FailureReason
) -> None:
    assert refusal(data) is reason


def test_a_smaller_depth_counts_when_it_is_set() -> None:
    with pytest.raises(DocumentError):
        parse_xml(b"<a><b><c/></b></a>", DocumentLimits(max_xml_depth=2))
    parse_xml(b"<a><b/></a>", DocumentLimits(max_xml_depth=2))


@pytest.mark.parametrize(
    "data",
    [
        b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\r\n<a><b/></a>\r\n",
        b'\xef\xbb\xbf<?xml version="1.0"?><a xmlns="x" xmlns:u="unused"><![CDATA[<]]></a>',
        b"<!-- before --><?p i?><a>\xc3\xa9 \xf0\x9f\x98\x80</a><!-- after -->",
        b'<a b="&quot;"/>',
    ],
)
def test_bytes_stay_equal_when_nothing_was_changed(data: bytes) -> None:
    assert serialise_xml(parse_xml(data, LIMITS), data) == data


def test_another_encoding_is_kept_when_a_document_is_written() -> None:
    data = '<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16")
    written = serialise_xml(parse_xml(data, LIMITS), data)
    assert parse_xml(written, LIMITS).getroot().text == "é"
    assert written.startswith(b"\xff\xfe")


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    assert xml_text("a\0b\x0bc\ud800d\ufffe\te\U0001f600") == "abcd\te\U0001f600"
