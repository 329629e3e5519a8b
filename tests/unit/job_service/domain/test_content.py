"""Digests, filenames and media types."""

import pytest

from job_service.domain.content import check_digest, check_filename, check_media_type, digest_of
from job_service.domain.job import Digest


def test_digest_names_bytes() -> None:
    assert digest_of(b"abc") == Digest(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3
    )


@pytest.mark.parametrize("name", ["a.txt", "日本語.srt", "a b", "-i", "...", "x" * 255])
def test_filename_is_accepted_when_it_is_only_a_label(name: str) -> None:
    assert check_filename(name, "f") == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a\0", "a\nb", "\x1b[2J", "a\u202eb", "x" * 256]
)
def test_filename_is_refused_when_it_could_mislead(name: str) -> None:
    assert [violation.field for violation in check_filename(name, "f")] == ["f"]


@pytest.mark.parametrize(
    ("media_type", "good"),
    [
        ("text/plain", True),
        ("application/vnd.api+json", True),
        ("text/plain; charset=utf-8", True),
        ("", False),
        ("text", False),
        ("text/", False),
        ("text/plain\r\nX: y", False),
        ("té/xt", False),
        ("a/" + "b" * 300, False),
    ],
)
def test_media_type_is_checked(media_type: str, good: bool) -> None:
    assert (check_media_type(media_type, "f") == []) is good


@pytest.mark.parametrize(
    ("digest", "fields"),
    [
        (Digest("0" * 64, 0), []),
        (Digest("A" * 64, 0), ["d.sha256"]),
        (Digest("0" * 63, -1), ["d.sha256", "d.size_bytes"]),
    ],
)
def test_digest_is_checked(digest: Digest, fields: list[str]) -> None:
    assert [violation.field for violation in check_digest(digest, "d")] == fields
