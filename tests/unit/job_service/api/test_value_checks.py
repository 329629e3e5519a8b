"""The form of single values at the service's edge."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from job_service.api import checks
from job_service.api.checks import Fault


@pytest.mark.parametrize(
    ("given_tag", "canonical"),
    [
        ("en", "en"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("SR-latn", "sr-Latn"),
        ("de-1996", "de-1996"),
        ("ca-Valencia", "ca-valencia"),
        ("en-US-u-CA-gregory-x-ABC", "en-US-u-ca-gregory-x-abc"),
        ("zh-yue", "zh-yue"),
    ],
)
def test_language_tag_is_canonical_when_well_formed(given_tag: str, canonical: str) -> None:
    assert checks.language_tag(given_tag) == canonical


@pytest.mark.parametrize(
    "tag",
    [
        *("", "e", "en_US", "en-", "-en", "en--US", "english-language-of", "en US", "x-private"),
        *("en\x00", "ёж", "12", "en-u", "a" * 65),
    ],
)
def test_language_tag_is_refused_when_malformed(tag: str) -> None:
    with pytest.raises(Fault):
        checks.language_tag(tag)


@given(st.text(max_size=80))
def test_language_tag_is_stable_when_checked_twice(text: str) -> None:
    try:
        once = checks.language_tag(text)
    except Fault:
        return
    assert checks.language_tag(once) == once
    assert once.lower() == text.lower()


@pytest.mark.matrix(16)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "EMPTY_TEXT"),
        ("  \n\t", "EMPTY_TEXT"),
        ("?!… —", "EMPTY_TEXT"),
        ("a\x00b", "NUL_CHARACTER"),
        ("é" * (512 * 1024 + 1), "TOO_LONG"),
    ],
)
def test_source_text_is_refused_when_it_cannot_be_translated(text: str, reason: str) -> None:
    with pytest.raises(Fault) as caught:
        checks.source_text(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize("text", ["a", "你好", "7", "é" * (512 * 1024), "\u202eabc"])
def test_source_text_is_kept_when_it_has_a_letter_or_digit(text: str) -> None:
    assert checks.source_text(text) == text


@pytest.mark.parametrize("text", ["a", "a b", "~" * 128, "2026-11-21/5"])
def test_request_id_is_kept_when_printable(text: str) -> None:
    assert checks.request_id(text) == text


@pytest.mark.parametrize("text", [" a", "a ", "a\n", "é", "a" * 129, "a\x7f"])
def test_request_id_is_refused_when_not_printable_ascii(text: str) -> None:
    with pytest.raises(Fault):
        checks.request_id(text)


@pytest.mark.matrix(16)
def test_labels_are_refused_when_too_many_or_too_long() -> None:
    checks.labels({f"k{n}": "v" * 255 for n in range(32)})
    for wrong in (
        {f"k{n}": "" for n in range(33)},
        {"": "v"},
        {"k" * 64: "v"},
        {"k": "v" * 256},
        {"k": "\x00"},
        {"k\n": "v"},
    ):
        with pytest.raises(Fault):
            checks.labels(wrong)


@pytest.mark.matrix(16, 30)
@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a\\b", "..", ".", "a\x00", "a\r\nb", "x" * 256, "a\u202eb"]
)
def test_filename_is_refused_when_it_could_mislead(name: str) -> None:
    with pytest.raises(Fault):
        checks.filename(name)


@pytest.mark.parametrize("name", ["", "a.txt", "..hidden", "-i", "naïve 文.mp4", "x" * 255])
def test_filename_is_kept_when_it_is_a_plain_label(name: str) -> None:
    assert checks.filename(name) == name


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; charset=utf-8", "image/svg+xml", 'a/b;c="d e"']
)
def test_media_type_is_kept_when_well_formed(kind: str) -> None:
    assert checks.media_type(kind) == kind


@pytest.mark.parametrize("kind", ["text", "text/", "/plain", "a/b\n", "a b/c", "a/b;", "a/b; c"])
def test_media_type_is_refused_when_malformed(kind: str) -> None:
    with pytest.raises(Fault):
        checks.media_type(kind)


def test_media_type_is_octet_stream_when_absent() -> None:
    assert checks.media_type("") == "application/octet-stream"


@pytest.mark.matrix(24)
def test_uuid_is_refused_when_in_another_form() -> None:
    text = "018f2c3e-7b1a-7cc0-8000-0123456789ab"
    assert checks.uuid_of(text.upper()) == UUID(text)
    for wrong in ("", text[:-1], f"{{{text}}}", text.replace("-", ""), f"urn:uuid:{text}"):
        with pytest.raises(Fault):
            checks.uuid_of(wrong)


@pytest.mark.matrix(15)
def test_count_is_the_default_when_zero() -> None:
    assert checks.count(0, default=50, largest=500) == 50
    assert checks.count(500, default=50, largest=500) == 500
    for wrong in (-1, 501):
        with pytest.raises(Fault):
            checks.count(wrong, default=50, largest=500)


@pytest.mark.matrix(15)
def test_timestamp_is_refused_when_out_of_range() -> None:
    assert checks.timestamp(Timestamp(seconds=1)) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    for wrong in (Timestamp(seconds=2**62), Timestamp(seconds=-(2**62)), Timestamp(nanos=-1)):
        with pytest.raises(Fault):
            checks.timestamp(wrong)
