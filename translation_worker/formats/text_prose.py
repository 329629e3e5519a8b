"""Prose: which values of data are for people to read, told by their form and their name.

Data mixes sentences with ids, addresses, dates and settings. Without rules of the client's own,
what looks like a sentence or a label is translated, and in doubt a value stays as it is.
"""

import re

_NOT_TEXT_NAMES = frozenset(
    ("id", "ids", "uid", "uuid", "guid", "key", "keys", "code", "sku", "isbn", "ean", "slug", "url",
     "uri", "urls", "href", "src", "link", "path", "file", "filename", "dir", "directory", "email",
     "mail", "phone", "tel", "fax", "zip", "postcode", "date", "time", "datetime", "timestamp",
     "created", "updated", "modified", "at", "lang", "language", "locale", "version", "type",
     "kind", "class", "classname", "icon", "color", "colour", "font", "format", "mime", "encoding",
     "charset", "hash", "sha", "sha1", "sha256", "md5", "digest", "checksum", "token", "secret",
     "password", "currency", "ref", "schema", "method", "host", "hostname", "domain", "ip", "port",
     "regex", "pattern", "selector", "style", "css", "script", "command", "cmd", "args", "timezone",
     "license", "username", "login", "user", "$ref", "$schema", "$id", "@id", "@type", "@context")
)  # fmt: skip
_TEXT_NAMES = frozenset(
    ("title", "subtitle", "heading", "headline", "text", "body", "content", "description", "desc",
     "summary", "abstract", "caption", "label", "labels", "message", "msg", "note", "notes",
     "comment", "comments", "question", "answer", "placeholder", "tooltip", "hint", "help", "alt",
     "review", "bio", "about", "instructions", "subject", "reason", "excerpt", "tagline")
)  # fmt: skip
_NAME_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[$@]\w+|\w+?(?=[\W_]|\Z)")
_WORD = re.compile(r"[\"'(\[¿¡“‘«]*[^\W\d_]+(?:[-'’.&/][^\W\d_]+)*[.,;:!?…)\]\"'”’»%]*")  # noqa: RUF001 - quotation marks
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_DATE_WORD = re.compile(
    r"(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|gmt|utc|am|pm)"
    r"[a-z]*[.,]?",
    re.IGNORECASE,
)
_CSS = re.compile(
    r"[\d.]+(?:px|em|rem|%|vh|vw|pt)\b|#[0-9a-fA-F]{3,8}\b|\brgba?\(|\A[a-z-]{2,30}:\s*[a-z\d-]*\d"
)
# Longer than this, the form of the beginning is enough.
_LOOKED_AT_CHARACTERS = 2000


def is_prose(value: str, name: str = "", *, words_are_text: bool = False) -> bool:
    """Tell whether a value is for people; `words_are_text` takes a single word for a label."""
    text = value[:_LOOKED_AT_CHARACTERS].strip()
    kind = _last_word(name)
    if kind in _NOT_TEXT_NAMES and not words_are_text:
        return False
    pieces = text.split()
    words = [piece for piece in pieces if _WORD.fullmatch(piece) and not _CAMEL.search(piece)]
    if len(pieces) == 1:
        return _is_label(text, bool(words), words_are_text or kind in _TEXT_NAMES)
    if _CSS.search(text) and len(words) < len(pieces) * 0.7:
        return False
    telling = [word for word in words if len(word) > 1 and not _DATE_WORD.fullmatch(word)]
    return bool(telling) and 2 * len(words) >= len(pieces)


def is_text_name(name: str) -> bool:
    """Tell whether a field or column is text by what it is called."""
    return _last_word(name) in _TEXT_NAMES


def _is_label(text: str, is_word: bool, words_are_text: bool) -> bool:
    """Tell whether a single word is a label, rather than a setting or an abbreviation."""
    # Scripts without spaces have whole sentences in one piece.
    if any("\u3040" <= character <= "\u9fff" for character in text):
        return True
    return is_word and (
        words_are_text or (len(text) > 1 and text[0].isupper() and not text.isupper())
    )


def _last_word(name: str) -> str:
    if name.lower() in _NOT_TEXT_NAMES | _TEXT_NAMES:
        return name.lower()
    words = _NAME_WORD.findall(name[:200])
    return words[-1].lower() if words else ""
