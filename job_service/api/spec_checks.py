"""The form of the values in translation specs: addresses, records, fields, terms, keys.

As in `checks`, a check returns the value in its canonical form or raises a
Fault. A Fault's text never holds the value.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from job_service.api.checks import BIDI_CONTROL, CONTROL, Fault

MAX_TARGET_FIELDS = 100

_MAX_URL = 2048
_MAX_RECORDS = 10_000
_MAX_RECORDS_BYTES = 1024 * 1024
_MAX_FIELD = 200
_MAX_TERM = 200
_MAX_API_KEY = 1000
_MAX_OUTPUT_PREFIX = 200
_LARGEST_EXACT_INTEGER = 2**53
_LARGEST_PORT = 65535

_OUTPUT_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")
# RFC 9110, section 5.5: what a header's value may hold.
_API_KEY = re.compile(r"[\x21-\x7e]*")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")


def web_address(text: str) -> str:
    """Check an address of http or https, without credentials (RFC 3986).

    Whether it may be asked is not told by its form; whoever asks it checks that.
    """
    if not text:
        raise Fault("It is required.", "REQUIRED")
    if len(text) > _MAX_URL:
        raise Fault(f"It must have up to {_MAX_URL} characters.", "TOO_LONG")
    if _NOT_IN_URL.search(text) or BIDI_CONTROL.search(text):
        raise Fault("It holds a character that an address cannot hold.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Fault("It is no well-formed address.") from None
    if parts.scheme not in {"http", "https"}:
        raise Fault("It must begin with http:// or https://.", "UNSUPPORTED_SCHEME")
    if not parts.hostname or port == 0:
        raise Fault("It names no host.")
    if "@" in parts.netloc:
        raise Fault("It must not hold credentials.", "CREDENTIALS_IN_URL")
    return text


def records(given: Iterable[Struct]) -> str:
    """Check records, and write them as JSON: the same records as the same text."""
    read = [_object(each) for each in given]
    if not 1 <= len(read) <= _MAX_RECORDS:
        raise Fault(f"There are {len(read)}; from 1 to {_MAX_RECORDS} are allowed.")
    text = json.dumps(read, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        raise Fault("A text in it is not valid Unicode.") from None
    if size_bytes > _MAX_RECORDS_BYTES:
        raise Fault(
            f"They have {size_bytes} bytes of JSON; at most {_MAX_RECORDS_BYTES} are allowed. "
            "Upload them as a document.",
            "TOO_LONG",
        )
    if "\\u0000" in text:
        raise Fault("They hold the character NUL.", "NUL_CHARACTER")
    return text


def target_field(text: str) -> str:
    """Check the name of a field: names joined by dots, `*` for every element of a list."""
    if not text:
        raise Fault("It is required.", "REQUIRED")
    if len(text) > _MAX_FIELD or CONTROL.search(text):
        raise Fault(f"It must have up to {_MAX_FIELD} characters, none a control character.")
    names = text.split(".")
    if not all(names) or all(name == "*" for name in names):
        raise Fault("It must be names joined by dots; `*` stands for every element of a list.")
    return text


def output_prefix(text: str) -> str:
    """Check what stands before filenames; it can lead nowhere else."""
    if len(text) > _MAX_OUTPUT_PREFIX or not _OUTPUT_PREFIX.fullmatch(text):
        raise Fault(f"It must be up to {_MAX_OUTPUT_PREFIX} of the characters A-Z a-z 0-9 . _ - /")
    *folders, _ = text.split("/")
    if any(folder in {"", ".", ".."} for folder in folders) or text in {".", ".."}:
        raise Fault("It must lead into folders by their names.", "UNSAFE_FILENAME")
    return text


def term(text: str, *, required: bool) -> str:
    """Check one side of a glossary's term."""
    if required and not text.strip():
        raise Fault("It is required.", "REQUIRED")
    if len(text) > _MAX_TERM or CONTROL.search(text):
        raise Fault(f"It must have up to {_MAX_TERM} characters, none of them a control character.")
    return text


def label(text: str, *, longest: int, required: bool = False) -> str:
    """Check a short name that people see and models are told."""
    if required and not text.strip():
        raise Fault("It is required.", "REQUIRED")
    if len(text) > longest or CONTROL.search(text) or BIDI_CONTROL.search(text):
        raise Fault(f"It must have up to {longest} characters, none of them a control character.")
    return text


def api_key(text: str) -> str:
    """Check a key that goes into a header."""
    if len(text) > _MAX_API_KEY or not _API_KEY.fullmatch(text):
        raise Fault(f"It must be up to {_MAX_API_KEY} printable ASCII characters without a space.")
    return text


def _object(given: Struct) -> dict[str, object]:
    return {name: _value(given.fields[name]) for name in given.fields}


def _value(given: Value) -> object:
    kind = given.WhichOneof("kind")
    if kind == "struct_value":
        return _object(given.struct_value)
    if kind == "list_value":
        return _list(given.list_value)
    if kind == "number_value":
        return _number(given.number_value)
    return None if kind in {None, "null_value"} else getattr(given, kind)


def _list(given: ListValue) -> list[object]:
    return [_value(each) for each in given.values]


def _number(value: float) -> float | int:
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN alone
        raise Fault("A number in it is not finite.")
    is_integer = value.is_integer() and abs(value) <= _LARGEST_EXACT_INTEGER
    return int(value) if is_integer else value
