"""Messages with choices in them, as ICU writes them: each choice is translated for itself.

`{n, plural, one {# file} other {# files}}` has two texts. What stands around and between the
choices stays; a message that breaks the rules is taken as a text without any.
Source: ICU User Guide, MessageFormat.
"""

import re
from collections.abc import Iterator

from translation_worker.formats.text_markup import Mark, Part

_CHOICE = re.compile(r"\{\s*[\w.-]+\s*,\s*(?:plural|select|selectordinal)\s*,")
_OFFSET = re.compile(r"\s*offset\s*:\s*\d+")
_BRANCH = re.compile(r"\s*(?:=\d+|[\w-]+)\s*\{")
_END = re.compile(r"\s*\}")
# Braces, and what is quoted and so is no brace.
_MARK = re.compile(r"''|'[{}][^']*'?|[{}]")
_NUMBER_SIGN = re.compile(r"#")
_MAX_DEPTH = 8


def has_choices(text: str) -> bool:
    """Tell whether a text looks like a message with choices."""
    return _CHOICE.search(text) is not None


def message_parts(text: str) -> list[list[Part]] | None:
    """Return the texts in a message; None if it is not well-formed."""
    try:
        return [list(_with_number_signs(text, *span)) for span in _texts(text, 0, len(text), 0)]
    except _NotAMessage:
        return None


class _NotAMessage(Exception):
    """The message breaks the rules."""


def _texts(text: str, start: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of words outside of choices, and those in each of them."""
    if depth > _MAX_DEPTH:
        raise _NotAMessage
    position = start
    while (choice := _CHOICE.search(text, position, end)) is not None:
        yield position, choice.start()
        position = choice.end()
        if offset := _OFFSET.match(text, position, end):
            position = offset.end()
        while branch := _BRANCH.match(text, position, end):
            closing = _closing(text, branch.end(), end)
            yield from _texts(text, branch.end(), closing, depth + 1)
            position = closing + 1
        last = _END.match(text, position, end)
        if last is None:
            raise _NotAMessage
        position = last.end()
    yield position, end


def _closing(text: str, start: int, end: int) -> int:
    """Return where the brace is that ends what begins here."""
    depth = 1
    for mark in _MARK.finditer(text, start, end):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.start()
    raise _NotAMessage


def _with_number_signs(text: str, start: int, end: int) -> Iterator[Part]:
    """Yield words, and the signs that the number takes the place of."""
    position = start
    for sign in _NUMBER_SIGN.finditer(text, start, end):
        if sign.start() > position:
            yield Part(position, sign.start(), Mark.WORDS, text[position : sign.start()])
        yield Part(sign.start(), sign.end(), Mark.LITERAL)
        position = sign.end()
    if end > position:
        yield Part(position, end, Mark.WORDS, text[position:end])
