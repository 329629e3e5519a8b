"""Encodings of text files: found out when one is read, and kept when it is written.

A file is decoded so that encoding its text again gives the same bytes; where no encoding does
that, the file is refused. Bytes that break an otherwise sound UTF-8 text stay as they are, as lone
surrogates, of which no segment is made.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits

# Decoded, a text takes up to four times as much memory.
MAX_TEXT_BYTES = 64 * 1024 * 1024

# UTF-32 before UTF-16, whose mark its own begins with.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What text files without a mark are written in, besides UTF-8.
_LEGACY_ENCODINGS = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "koi8_r", "koi8_u", "mac_roman", "big5",
    "euc_jp", "euc_kr", "gb18030", "shift_jis",
]  # fmt: skip
# Accented letters of a language or its neighbours. A text whose letters are all in one of these is
# in the Windows encoding of western Europe, of which a guess by statistics is not sure.
_WESTERN_LETTERS = tuple(
    frozenset(letters + letters.upper())
    for letters in ("áàâãçéêíïñóòôõúü·ªº", "àâæçèéêëîïôœùûüÿ", "äöüß", "åäæéöø", "àèéìòù", "éëïöü")
)
# Enough for the guess; it takes time in proportion.
_GUESSED_BYTES = 64 * 1024
# A text is UTF-8 with a few broken bytes when it has this many sound characters to each of them.
_SOUND_TO_BROKEN = 20
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A decoded text, and how it is encoded."""

    text: str
    encoding: str
    byte_order_mark: bytes = b""

    def encode(self, text: str) -> tuple[bytes, bool]:
        """Encode another text likewise; if it cannot be, in UTF-8. Tell whether it was kept."""
        try:
            return self.byte_order_mark + encoded(text, self.encoding), True
        except UnicodeEncodeError:
            return encoded(text, "utf-8"), False


def encoded(text: str, encoding: str) -> bytes:
    """Encode a text, broken bytes of UTF-8 as they were. Raises UnicodeEncodeError."""
    return text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")


def read_bytes(path: Path, limits: DocumentLimits) -> bytes:
    """Return a text file's bytes; raises DocumentError DOCUMENT_TOO_LARGE past the limit."""
    limit = min(limits.max_file_bytes, MAX_TEXT_BYTES)
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise DocumentError(
            FailureReason.DOCUMENT_TOO_LARGE, f"The text has more than {limit} bytes."
        )
    return data


def decode(data: bytes, *, declared: str = "") -> EncodedText:
    """Decode a text by its mark, as declared, as UTF-8, or by a guess.

    Raises DocumentError DOCUMENT_DAMAGED for what is no text: it holds NUL, or no encoding gives
    the same bytes back.
    """
    found = _decoded(data, declared)
    if found is None or "\0" in found.text:
        raise DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file is not text.")
    return found


def _decoded(data: bytes, declared: str) -> EncodedText | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decoded_as(data[len(mark) :], encoding, mark)
    for encoding in (_name(declared), "utf-8"):
        if encoding and (found := _decoded_as(data, encoding)):
            return found
    return _mostly_utf_8(data) or _guessed(data)


def _guessed(data: bytes) -> EncodedText | None:
    if b"\0" in data:
        return None
    western = _decoded_as(data, "cp1252")
    if western is not None:
        letters = {one for one in western.text if one > "\x7f" and one.isalpha()}
        if any(letters <= alphabet for alphabet in _WESTERN_LETTERS):
            return western
    sample = data[:_GUESSED_BYTES]
    guess = charset_normalizer.from_bytes(sample, cp_isolation=_LEGACY_ENCODINGS).best()
    found = _decoded_as(data, guess.encoding) if guess else None
    return found or western or _decoded_as(data, "latin-1")


def _name(declared: str) -> str:
    """Return what an encoding is called here; empty if it is none for text, or unknown."""
    try:
        found = codecs.lookup(declared.strip()) if declared.strip() else None
    except (LookupError, ValueError):
        return ""
    # A web page that says Latin 1 means the Windows encoding that contains it.
    names = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "", "utf-7": "", "idna": ""}
    # Without this a name such as "zip" would decode bytes to bytes.
    if found is None or not found._is_text_encoding:
        return ""
    return names.get(found.name, found.name)


def _decoded_as(data: bytes, encoding: str, mark: bytes = b"") -> EncodedText | None:
    try:
        text = data.decode(encoding)
        is_same = text.encode(encoding) == data
    except (UnicodeError, LookupError):
        return None
    return EncodedText(text, encoding, mark) if is_same else None


def _mostly_utf_8(data: bytes) -> EncodedText | None:
    text = data.decode("utf-8", "surrogateescape")
    broken = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
    # At least two bytes each.
    sound = (len(data.translate(None, _ASCII)) - broken) // 2
    return EncodedText(text, "utf-8") if sound >= broken * _SOUND_TO_BROKEN else None
