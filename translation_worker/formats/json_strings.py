"""Strings of JSON and where they stand, so that they can be patched in the source.

The grammar is checked as strictly as RFC 8259 has it; besides one value, a file may hold one a
line. Nothing here recurses, so depth costs memory only up to its limit.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError

_TOKEN = re.compile(
    r"[ \t\r\n]*+(?:"
    r'(?P<string>"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")'
    r"|(?P<mark>[][{},:])"
    r"|(?P<scalar>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][-+]?\d++)?(?![\w.])|(?:true|false|null)(?!\w)))"
)
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]"
)
_TOKENS_BETWEEN_STOPS = 20_000
# Some 300 bytes of memory each.
_MAX_STRINGS = 1_000_000

JsonPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class JsonString:
    """A string that is a value; `start` and `end` are those of what its quotes hold."""

    path: JsonPath
    start: int
    end: int


@dataclass(slots=True)
class _Container:
    """An object or list that is open; `place` is the key or the index of its current value."""

    is_object: bool
    place: str | int
    # What may come: a key, a colon, a value, or a comma; at first also the end.
    expects: str
    is_empty: bool = True


def json_strings(text: str, max_depth: int, stop: Callable[[], None]) -> Iterator[JsonString]:
    """Yield the strings that are values, in order.

    Raises DocumentError: DOCUMENT_DAMAGED, or DOCUMENT_TOO_LARGE for what is nested too deep.
    """
    grammar = _Grammar(max_depth)
    position = tokens = strings = 0
    while (match := _TOKEN.match(text, position)) is not None:
        tokens += 1
        if tokens % _TOKENS_BETWEEN_STOPS == 0:
            stop()
        space = text[position : position + len(match[0]) - len(match[0].lstrip())]
        position = match.end()
        if grammar.take(match, is_new_line="\n" in space):
            strings += 1
            if strings > _MAX_STRINGS:
                raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
            yield JsonString(grammar.path, match.start("string") + 1, match.end("string") - 1)
    if not grammar.is_complete or text[position:].strip(" \t\r\n"):
        raise _damaged()


def decoded_string(text: str, string: JsonString) -> tuple[str, list[int] | None]:
    """Return what a string stands for, and where each character of it starts in the source.

    The second is None where nothing is escaped, so that the characters stand side by side.
    """
    raw = text[string.start : string.end]
    if "\\" not in raw:
        return raw, None
    starts = [string.start + match.start() for match in _CHARACTER.finditer(raw)]
    return json.loads(f'"{raw}"'), [*starts, string.end]


class _Grammar:
    """Knows what is open, and refuses what may not come next."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._stack: list[_Container] = []
        self._values = 0

    @property
    def path(self) -> JsonPath:
        """Where the current value is."""
        return tuple(container.place for container in self._stack)

    @property
    def is_complete(self) -> bool:
        """Tell whether there was a value, and nothing is open."""
        return not self._stack and self._values > 0

    def take(self, token: re.Match[str], *, is_new_line: bool) -> bool:
        """Take in a token; tell whether it is a string that is a value."""
        string, mark = token["string"], token["mark"]
        if not self._stack and self._values and not is_new_line:
            raise _damaged()
        if mark in {"}", "]"}:
            self._close(is_object=mark == "}")
        elif mark in {",", ":"}:
            self._separate(mark)
        elif self._stack and self._stack[-1].expects == "key":
            self._take_key(string)
        else:
            self._take_value(mark)
            return string is not None
        return False

    def _take_value(self, mark: str | None) -> None:
        if self._stack:
            container = self._stack[-1]
            if container.expects != "value":
                raise _damaged()
            container.is_empty = False
            container.expects = "comma"
        if mark is None:
            self._values += not self._stack
            return
        if len(self._stack) >= self._max_depth:
            raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE, "The file is nested too deeply.")
        is_object = mark == "{"
        self._stack.append(_Container(is_object, 0, "key" if is_object else "value"))

    def _take_key(self, string: str | None) -> None:
        if string is None:
            raise _damaged()
        container = self._stack[-1]
        container.place = str(json.loads(string))
        container.expects = "colon"
        container.is_empty = False

    def _separate(self, mark: str) -> None:
        container = self._stack[-1] if self._stack else None
        if container is not None and mark == ":" and container.expects == "colon":
            container.expects = "value"
        elif container is not None and mark == "," and container.expects == "comma":
            if isinstance(container.place, int):
                container.place += 1
            container.expects = "key" if container.is_object else "value"
        else:
            raise _damaged()

    def _close(self, *, is_object: bool) -> None:
        if not self._stack or self._stack[-1].is_object is not is_object:
            raise _damaged()
        container = self._stack.pop()
        if container.expects != "comma" and not container.is_empty:
            raise _damaged()
        self._values += not self._stack


def _damaged() -> DocumentError:
    return DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file is not well-formed JSON.")
