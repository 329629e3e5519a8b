"""The shape of gettext catalogues: entries and their fields, by offsets in the text of the file.

Read line by line, as gettext's own grammar is; a line that it does not know refuses the file. What
is not a field of a living entry - comments, obsolete entries, blank lines - is nobody's business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError
from translation_worker.formats.text_slots import Patch

_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_FIELD = re.compile(r"\s*(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d{1,2})\])?\s*(\".*\")\s*")
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*)\"")
_STARTS_NEW = re.compile(r"#|msgctxt|msgid(?!_plural)")
_DOMAIN = re.compile(r"\s*domain\s+\".*\"\s*")
_ESCAPE = re.compile(r"\\(?:([abfnrtv\"\\?'/])|([0-7]{1,3})|x([0-9A-Fa-f]{2})|(.))")
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
_TO_ESCAPE = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    '"': '\\"', "\\": "\\\\",
}  # fmt: skip
WRAP_COLUMNS = 79
"""As wide as gettext's own tools write a line."""
_WORDS = re.compile(r"\S*\s*")


@dataclass(slots=True)
class PoField:
    """A field: its keyword, the number of a plural form, and the string on each of its lines.

    `end` is before the last line's end.
    """

    keyword: str
    form: int | None
    parts: list[str]
    start: int
    end: int

    @property
    def value(self) -> str:
        """What the lines say, joined."""
        return "".join(self.parts)


@dataclass(slots=True)
class PoEntry:
    """A living entry; `flag_lines` and `previous_lines` are where its `#,` and `#|` lines are."""

    fields: list[PoField] = field(default_factory=list)
    flag_lines: list[tuple[int, int]] = field(default_factory=list)
    previous_lines: list[tuple[int, int]] = field(default_factory=list)
    flags: frozenset[str] = frozenset()

    def value(self, keyword: str) -> str | None:
        """Return the value of a field; None if the entry has none."""
        return next((each.value for each in self.fields if each.keyword == keyword), None)

    @property
    def translations(self) -> list[PoField]:
        """The fields of the translation, one for each form of a plural."""
        return [each for each in self.fields if each.keyword == "msgstr"]

    @property
    def is_header(self) -> bool:
        """Whether this is the entry that tells of the catalogue itself."""
        return self.value("msgid") == "" and self.value("msgctxt") is None

    @property
    def is_translated(self) -> bool:
        """Whether every form has words that gettext would show."""
        return "fuzzy" not in self.flags and all(each.value for each in self.translations)


def entries(text: str) -> Iterator[PoEntry]:
    """Yield the living entries. Raises DocumentError DOCUMENT_DAMAGED."""
    entry = PoEntry()
    for line in _LINE.finditer(text):
        body = line[1]
        stripped = body.strip()
        if entry.translations and (not stripped or _STARTS_NEW.match(stripped)):
            yield _checked(entry)
            entry = PoEntry()
        if not stripped:
            continue
        if stripped.startswith("#~"):
            # What was said of an obsolete entry before is not said of the next one.
            entry = entry if entry.fields else PoEntry()
        elif stripped.startswith("#"):
            _read_comment(entry, stripped, line)
        else:
            _read_field(entry, body, line)
    if entry.translations:
        yield _checked(entry)
    elif entry.fields:
        raise _damaged()


def _read_field(entry: PoEntry, body: str, line: re.Match[str]) -> None:
    if match := _FIELD.fullmatch(body):
        form = int(match[2]) if match[2] is not None else None
        value = _unquoted(match[3])
        entry.fields.append(PoField(match[1], form, [value], line.start(), line.end(1)))
    elif body.lstrip().startswith('"') and entry.fields:
        last = entry.fields[-1]
        last.parts.append(_unquoted(body))
        last.end = line.end(1)
    elif not _DOMAIN.fullmatch(body):
        raise _damaged()


def _read_comment(entry: PoEntry, comment: str, line: re.Match[str]) -> None:
    if comment.startswith("#,"):
        entry.flag_lines.append(line.span())
        entry.flags |= {flag.strip() for flag in comment[2:].split(",")}
    elif comment.startswith("#|"):
        entry.previous_lines.append(line.span())


def _checked(entry: PoEntry) -> PoEntry:
    keywords = [each.keyword for each in entry.fields]
    forms = [each.form for each in entry.translations]
    is_plural = "msgid_plural" in keywords
    expected = list(range(len(forms))) if is_plural else [None]
    counts = {name: keywords.count(name) for name in ("msgctxt", "msgid", "msgid_plural")}
    if counts["msgid"] != 1 or max(counts.values()) > 1 or forms != expected:
        raise _damaged()
    return entry


def _unquoted(quoted: str) -> str:
    match = _STRING.fullmatch(quoted.strip())
    if match is None:
        raise _damaged()
    return _ESCAPE.sub(_character, match[1]) if "\\" in match[1] else match[1]


def _character(escape: re.Match[str]) -> str:
    letter, octal, hexadecimal, other = escape.groups()
    if octal or hexadecimal:
        code = int(octal, 8) if octal else int(hexadecimal, 16)
        return chr(code) if code else "\ufffd"
    return _ESCAPED.get(letter, letter) if letter else other


def _escaped(text: str) -> str:
    return "".join(_TO_ESCAPE.get(character, character) for character in text)


def written_field(keyword: str, value: str, line_break: str, columns: int | None) -> str:
    """Return a field as gettext writes it: long values on several lines, each ended where it is.

    Without a number of columns the value stays on one line.
    """
    one_line = f'{keyword} "{_escaped(value)}"'
    if columns is None:
        return one_line
    lines = [
        part for line in re.split(r"(?<=\n)", value) for part in _wrapped(line, columns) if part
    ]
    if len(lines) <= 1 and len(one_line) <= columns:
        return one_line
    quoted = [f'"{_escaped(line)}"' for line in lines]
    return line_break.join([f'{keyword} ""', *quoted])


def _wrapped(line: str, columns: int) -> Iterator[str]:
    current = ""
    for word in _WORDS.findall(line):
        if current and len(_escaped(current + word.rstrip(" "))) > columns - len('""'):
            yield current
            current = ""
        current += word
    yield current


def without_fuzzy(text: str, entry: PoEntry) -> Iterator[Patch]:
    """Yield what takes the mark of an old translation away, and what it was a translation of."""
    if "fuzzy" not in entry.flags:
        return
    for start, end in entry.previous_lines:
        yield Patch(start, end, "")
    for start, end in entry.flag_lines:
        line = text[start:end]
        flags = [flag.strip() for flag in line.strip()[2:].split(",")]
        kept = [flag for flag in flags if flag and flag != "fuzzy"]
        ending = line[len(line.rstrip("\r\n")) :]
        yield Patch(start, end, f"#, {', '.join(kept)}{ending}" if kept else "")


def _damaged() -> DocumentError:
    return DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file is no gettext catalogue.")
