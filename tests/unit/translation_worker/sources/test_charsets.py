"""A text's encoding survives the loss of the header that named it."""

from pathlib import Path

import pytest

from translation_worker.sources.charsets import make_utf8

_TEXT = "Bom dia, coração."


@pytest.mark.parametrize(
    ("media_type", "charset"),
    [("text/plain", "iso-8859-1"), ("text/html", "windows-1252"), ("text/csv", "latin1")],
)
def test_text_is_utf8_when_only_the_header_told_its_encoding(
    media_type: str, charset: str, tmp_path: Path
) -> None:
    path = tmp_path / "text"
    path.write_bytes(_TEXT.encode(charset))
    assert make_utf8(path, media_type, charset)
    assert path.read_text("utf-8") == _TEXT


@pytest.mark.parametrize(
    ("data", "media_type", "charset"),
    [
        (_TEXT.encode(), "text/plain", "utf-8"),
        (_TEXT.encode(), "text/plain", ""),
        (_TEXT.encode(), "text/plain", "no-such"),
        (_TEXT.encode(), "text/plain", "hex"),
        (_TEXT.encode(), "text/plain", "\x00"),
        (b"\xff\xfe" + _TEXT.encode("utf-16-le"), "text/plain", "latin-1"),
        (b"\x81\xfe", "text/plain", "shift-jis"),
        (b'<META Charset="latin-1">\xe7', "text/html", "windows-1252"),
        (b'<?xml version="1.0" encoding="latin-1"?>\xe7', "text/xml", "windows-1252"),
        (b"%PDF-1.7\xe7", "application/pdf", "latin-1"),
    ],
)
def test_file_is_left_when_it_tells_itself_or_the_header_is_no_help(
    data: bytes, media_type: str, charset: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert not make_utf8(path, media_type, charset)
    assert path.read_bytes() == data
