r"""Apertium stream: the text form that travels through the pipe, both ways.

Characters with a meaning in the stream are escaped with a backslash; `[...]` is a superblank,
which every program passes on untouched. The generator puts `*` before a word that it does not
know, `@` before one it cannot transfer and `#` before one it cannot inflect. The same characters
in the source travel inside superblanks, so that a mark in the output is always the generator's.
"""

import re
from dataclasses import dataclass

# Without it the last full stop is held back and the pipe waits for ever.
TERMINATOR = "[][\n]"

# The last one wakes the post-generator, which swallows it.
_LIKE_MARKS = frozenset("*#@~")
_ENCODED = re.compile(r"[\\\[\]{}^$/@<>*#~]")
_ORDINARY = re.compile(r"[^\\\[*#@~<]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TAGS = re.compile(r"<[A-Za-z0-9_:.@-]{1,24}>")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # noqa: RUF001 - either apostrophe joins
_DIGIT = re.compile(r"\d")
_SPACES = re.compile(r"[ \t]{2,}")
_SPACE_BEFORE_STOP = re.compile(r" +([.,;:!?…])(?=\s|$)")


@dataclass(frozen=True)
class Reading:
    """What came out of the pipe for one sentence."""

    text: str
    unknown_words: int

    @property
    def confidence(self) -> float:
        """Share of the words that the data knows; 1 for a text without words."""
        if not self.unknown_words:
            return 1.0
        words = len(_WORD.findall(self.text))
        return 1.0 - min(self.unknown_words, words) / words if words else 1.0


def encode(sentence: str) -> bytes:
    """Return the bytes to send for one sentence, with terminator and NUL."""
    encoded = _ENCODED.sub(_escaped, _CONTROL.sub(" ", sentence))
    return f"{encoded}{TERMINATOR}\0".encode("utf-8", errors="replace")


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return f"[{character}]" if character in _LIKE_MARKS else f"\\{character}"


def is_complete(message: bytes) -> bool:
    """Tell whether an answer ends as its question did.

    The programs behind one that has been killed write an empty answer, as if all were well.
    """
    return message.rstrip(b" ").endswith(TERMINATOR[-3:].encode())


def decode(message: bytes) -> Reading:
    """Read one answer, without its NUL: drop marks and leftovers of grammar, unescape, tidy."""
    stream = message.decode("utf-8", errors="replace")
    # The terminator is the last superblank; any text after it belongs to nobody.
    text: list[str] = []
    unknown_words = 0
    index = 0
    while index < len(stream):
        ordinary = _ORDINARY.match(stream, index)
        if ordinary is not None:
            text.append(ordinary[0])
            index = ordinary.end()
            continue
        character = stream[index]
        if character == "\\" and index + 1 < len(stream):
            text.append(stream[index + 1])
            index += 2
            continue
        if character == "[":
            end = _superblank_end(stream, index)
            text.append(_unescape(stream[index + 1 : end - 1]).replace("\n", ""))
            index = end
            continue
        if character in _LIKE_MARKS:
            unknown_words += character != "*" or _is_language(stream, index + 1)
        elif character == "<" and (tag := _TAGS.match(stream, index)) is not None:
            index = tag.end()
            continue
        else:
            text.append(character)
        index += 1
    return Reading(tidy("".join(text)), unknown_words)


def tidy(text: str) -> str:
    """Mend the spaces that transfer leaves behind when it drops or moves a word."""
    text = _SPACES.sub(" ", text.replace("\n", " "))
    return _SPACE_BEFORE_STOP.sub(r"\1", text).strip()


def _is_language(stream: str, start: int) -> bool:
    """Tell whether an unknown word is one of a language, not a name in capitals or a code."""
    word = _WORD.match(stream, start)
    return word is not None and word[0] != word[0].upper() and not _DIGIT.search(word[0])


def _superblank_end(stream: str, start: int) -> int:
    """Return the index after the superblank that starts at `start`."""
    index = start + 1
    while index < len(stream) and stream[index] != "]":
        index += 2 if stream[index] == "\\" else 1
    return min(index + 1, len(stream))


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
