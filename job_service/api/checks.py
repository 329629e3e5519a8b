"""The form of single values: ids, tags, labels, names, times.

Each check returns the value in its canonical form or raises a Fault that says
what is wrong with it; the caller knows the field's path. What a value means
(whether a pair exists, whether a job is there) is not decided here.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

MAX_TEXT_BYTES = 1024 * 1024
MAX_LABELS = 32
MAX_CHUNK_BYTES = 1024 * 1024

_MAX_LABEL_KEY = 63
_MAX_LABEL_VALUE = 255
_MAX_FILENAME = 255
_MAX_OUTPUT_FILENAME = 500
_MAX_MEDIA_TYPE = 255
_MAX_NAME = 64
_MAX_WORKER_ID = 255
_MAX_INT64 = 2**63 - 1

# RFC 5646 section 2.1, well-formedness; grandfathered tags are not taken.
_LANGUAGE_TAG = re.compile(
    r"(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})"
    r"(?:-(?P<script>[A-Za-z]{4}))?"
    r"(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*)"
    r"(?P<private>-[Xx](?:-[A-Za-z0-9]{1,8})+)?"
)
_MAX_LANGUAGE_TAG = 64

_REQUEST_ID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# RFC 6838 section 4.2, with RFC 2045 parameters such as charset=utf-8.
_RESTRICTED_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_PARAMETER = r"""[A-Za-z0-9!#$&^_.+-]+=(?:[A-Za-z0-9!#$&^_.+'-]+|"[A-Za-z0-9 !#$&^_.,:;+/'=-]*")"""
_MEDIA_TYPE = re.compile(rf"{_RESTRICTED_NAME}/{_RESTRICTED_NAME}(?: ?; ?{_PARAMETER})*")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# These make a name read differently from what it is (Unicode TR 36).
BIDI_CONTROL = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Fault(Exception):
    """A value has not the form it must have; the text says which."""

    def __init__(self, description: str, reason: str = "INVALID") -> None:
        super().__init__(description)
        self.description = description
        self.reason = reason


def uuid_of(text: str) -> UUID:
    """Read a UUID in its usual form, in either case."""
    if not text:
        raise Fault("It is required.", "REQUIRED")
    if not _UUID.fullmatch(text):
        raise Fault("It is no UUID.")
    return UUID(text)


def language_tag(text: str) -> str:
    """Check a BCP 47 tag and write it in canonical case, such as zh-Hant-TW (RFC 5646 2.1.1)."""
    if not text:
        raise Fault("It is required.", "REQUIRED")
    match = _LANGUAGE_TAG.fullmatch(text) if len(text) <= _MAX_LANGUAGE_TAG else None
    if match is None:
        raise Fault("It is no well-formed BCP 47 language tag.")
    parts = [match["language"].lower()]
    if match["script"]:
        parts.append(match["script"].title())
    if match["region"]:
        parts.append(match["region"].upper())
    rest = match["variants"] + match["extensions"] + (match["private"] or "")
    return "-".join(parts) + rest.lower()


def source_text(text: str) -> str:
    """Check a text to translate: up to 1 MiB of UTF-8, with a letter or digit, without NUL."""
    size_bytes = len(text.encode())
    if size_bytes > MAX_TEXT_BYTES:
        raise Fault(
            f"It has {size_bytes} bytes of UTF-8; at most {MAX_TEXT_BYTES} fit inline. "
            "Upload it as an artifact.",
            "TOO_LONG",
        )
    if "\x00" in text:
        raise Fault("It holds the character NUL.", "NUL_CHARACTER")
    if not any(character.isalnum() for character in text):
        raise Fault("It holds no letter and no digit.", "EMPTY_TEXT")
    return text


def request_id(text: str) -> str:
    """Check a client's key for idempotency; empty means none."""
    if text and not _REQUEST_ID.fullmatch(text):
        raise Fault("It must be 1 to 128 printable ASCII characters, without a space at its ends.")
    return text


def labels(values: Mapping[str, str]) -> dict[str, str]:
    """Check labels: at most 32, keys of 1 to 63 and values of up to 255 characters."""
    if len(values) > MAX_LABELS:
        raise Fault(f"There are {len(values)} labels; at most {MAX_LABELS} are allowed.")
    for key, value in values.items():
        if not 1 <= len(key) <= _MAX_LABEL_KEY:
            raise Fault(f"A key must have 1 to {_MAX_LABEL_KEY} characters.")
        if len(value) > _MAX_LABEL_VALUE:
            raise Fault(f"A value must have up to {_MAX_LABEL_VALUE} characters.")
        if CONTROL.search(key) or CONTROL.search(value):
            raise Fault("A key or value holds a control character.")
    return dict(values)


def name(text: str, *, required: bool = True) -> str:
    """Check the name of an engine, preset, kind or the like."""
    if not text and required:
        raise Fault("It is required.", "REQUIRED")
    if len(text) > _MAX_NAME or (text and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", text)):
        raise Fault(f"It must be up to {_MAX_NAME} of the characters A-Z a-z 0-9 . _ + -")
    return text


def worker_id(text: str) -> str:
    """Check a worker's name for itself."""
    if not text:
        raise Fault("It is required.", "REQUIRED")
    if len(text) > _MAX_WORKER_ID or not text.isascii() or not text.isprintable():
        raise Fault(f"It must be up to {_MAX_WORKER_ID} printable ASCII characters.")
    return text


def filename(text: str) -> str:
    """Check a label for people and downloads; it never becomes a path."""
    if len(text) > _MAX_FILENAME:
        raise Fault(f"It must have up to {_MAX_FILENAME} characters.")
    if CONTROL.search(text) or BIDI_CONTROL.search(text):
        raise Fault("It holds a control character.", "UNSAFE_FILENAME")
    if "/" in text or "\\" in text or text in {".", ".."}:
        raise Fault("It must be a name, not a path.", "UNSAFE_FILENAME")
    return text


def output_filename(text: str) -> str:
    """Check the label of what a step has made: names, joined by slashes if it has a prefix."""
    if len(text) > _MAX_OUTPUT_FILENAME:
        raise Fault(f"It must have up to {_MAX_OUTPUT_FILENAME} characters.")
    for part in text.split("/"):
        if not part:
            raise Fault("It must be names joined by single slashes.", "UNSAFE_FILENAME")
        filename(part)
    return text


def media_type(text: str) -> str:
    """Check a media type by RFC 6838; empty means application/octet-stream."""
    if not text:
        return "application/octet-stream"
    if len(text) > _MAX_MEDIA_TYPE or not _MEDIA_TYPE.fullmatch(text):
        raise Fault("It is no media type such as text/plain.")
    return text


def sha256(text: str) -> str:
    """Check a digest in 64 lower-case hexadecimal digits."""
    if not _SHA256.fullmatch(text):
        raise Fault("It must be 64 lower-case hexadecimal digits.")
    return text


def count(value: int, *, default: int, largest: int) -> int:
    """Check a page size: 1 to `largest`; 0 means `default`."""
    if not 0 <= value <= largest:
        raise Fault(f"It must be from 1 to {largest}, or 0 for {default}.")
    return value or default


def not_negative(value: int) -> int:
    """Check a number that counts something."""
    if value < 0:
        raise Fault("It must not be negative.")
    return value


def generation(value: int) -> int:
    """Check a step's generation: they count from 1."""
    if not 1 <= value <= _MAX_INT64:
        raise Fault("It must be 1 or more.")
    return value


def timestamp(value: Timestamp) -> datetime:
    """Read a time; one that is out of range is refused."""
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Fault("It is out of the range of times.") from None


def plain_text(text: str, *, longest: int) -> str:
    """Check a short text for people: no control characters."""
    if len(text) > longest or CONTROL.search(text):
        raise Fault(f"It must have up to {longest} characters, none of them a control character.")
    return text
