"""Segmentation: cuts a text into sentences to translate and everything else, losing nothing.

The pieces of a document, joined, are the text again, byte for byte: blank lines, indentation, list
markers, line ends of every kind, a byte order mark. A sentence that runs over several lines of a
hard-wrapped paragraph is one piece; its line breaks are put back into the translation at about
the same places, so that the number of lines stays.
"""

# ruff: noqa: RUF001 - look-alike quotes and dashes are what these patterns are about

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from translation_worker.sentence_splitting import split_sentences

# Finds the literal parts of a line, as (start, end).
FindLiterals = Callable[[str], Sequence[tuple[int, int]]]
# Finds the sentences of a text, given its literals.
_Split = Callable[[str, Sequence[tuple[int, int]]], list[tuple[int, int]]]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_PREFIX = re.compile(
    r"\ufeff?\s*(?P<quote>(?:>\s?)*)"
    r"(?P<marker>(?:(?:[-*+•◦▪‣·–—]|\(?\d{1,3}[.)]|\(?[A-Za-z]\))\s+)?(?:\[[ xX]\]\s+)?"
    r"(?:\#{1,6}\s+)?)"
)
_FENCE = re.compile(r"\s*(```|~~~)")
# Between columns and table cells, and characters that no engine may see.
_CELL_BREAK = re.compile(
    r"[ \t\u00a0]*(?:[\x00-\x08\t\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff]"
    r"|\s\|\s?|\s?\|\s| {3,})"
    r"[\s\x00-\x1f\x7f|\u2028\u2029\ufeff]*"
)
_SENTENCE_END = re.compile(r"[.!?:…][\"'”’»)\]*_]*\Z")
_FIRST_WORD = re.compile(r"\S+")

# A line shorter than this was ended by hand. Between the two, the next line must go on in small
# letters to count as the same paragraph.
_MIN_WRAPPED_CHARACTERS = 40
_SURE_WRAPPED_CHARACTERS = 60
# People who wrap by hand leave this much room for the word that would still have fitted.
_RAGGED_CHARACTERS = 10
# Another line this close to the longest shows that both were ended by a margin.
_MARGIN_SLACK_CHARACTERS = 14
# A stretch without line breaks is handled in parts of at most this: it bounds time and memory.
_MAX_FLOW_CHARACTERS = 20_000
_CUT_MARGIN_CHARACTERS = 2_500
_AFTER_SENTENCE = re.compile(r"[.!?…]\s+")
_AFTER_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Piece:
    """A part of the text: a sentence to translate, or something to copy.

    `breaks` are the line breaks within a sentence: the offset in `flat` and the source text that
    the single space there stands for.
    """

    text: str
    translatable: bool
    breaks: tuple[tuple[int, str], ...] = ()

    @property
    def flat(self) -> str:
        """The sentence on one line."""
        flat: list[str] = []
        position = length = 0
        for offset, separator in self.breaks:
            size = offset - length
            flat += [self.text[position : position + size], " "]
            position += size + len(separator)
            length = offset + 1
        return "".join([*flat, self.text[position:]])

    def rebuild(self, translated: str, find_literals: FindLiterals) -> str:
        """Put the line breaks into a translation, never inside a literal."""
        if not self.breaks:
            return translated
        literals = find_literals(translated)
        spaces = [
            index
            for index, character in enumerate(translated)
            if character == " " and not any(left < index < right for left, right in literals)
        ]
        scale = len(translated) / max(len(self.flat), 1)
        pieces: list[str] = []
        position = 0
        homeless: list[str] = []
        for offset, separator in self.breaks:
            wanted = offset * scale
            free = [index for index in spaces if index >= position]
            if not free:
                homeless.append(separator)
                continue
            chosen = min(free, key=lambda index: abs(index - wanted))
            pieces += [translated[position:chosen], separator]
            position = chosen + 1
        return "".join([*pieces, translated[position:], *homeless])


@dataclass
class _Line:
    """One line: indentation and markers, body, trailing space and line end."""

    prefix: str
    body: str
    ending: str
    quote: str
    has_marker: bool
    is_code: bool

    @property
    def width(self) -> int:
        return len(self.prefix) + len(self.body)


def segment(
    text: str, language: str, find_literals: FindLiterals, *, whole: bool = False
) -> Iterator[Piece]:
    """Cut a text into pieces, as they are asked for; if `whole`, of paragraphs, not sentences."""

    def split(body: str, literals: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        if not whole:
            return split_sentences(body, language, literals)
        left, right = len(body) - len(body.lstrip()), len(body.rstrip())
        return [(left, right)] if left < right else []

    return _merged(_pieces(text, split, find_literals))


def _pieces(text: str, split: _Split, find_literals: FindLiterals) -> Iterator[Piece]:
    for block in _blocks(_lines(text)):
        margin = max(line.width for line in block)
        near_margin = sum(line.width >= margin - _MARGIN_SLACK_CHARACTERS for line in block)
        flow: list[_Line] = []
        for line in block:
            if flow and not _is_wrapped(flow[-1], line, margin, near_margin):
                yield from _flow_pieces(flow, split, find_literals)
                flow = []
            flow.append(line)
        yield from _flow_pieces(flow, split, find_literals)


def _lines(text: str) -> Iterator[_Line]:
    raw_lines = _LINE.findall(text)
    fences = [index for index, raw in enumerate(raw_lines) if _FENCE.match(raw)]
    # A fence without a partner is an ordinary line.
    code: set[int] = set()
    for opening, closing in zip(fences[::2], fences[1::2], strict=False):
        code.update(range(opening, closing + 1))
    for index, raw in enumerate(raw_lines):
        content = raw.rstrip("\r\n")
        if index in code:
            yield _Line(content, "", raw[len(content) :], "", False, True)
            continue
        match = _PREFIX.match(content)
        prefix = match[0] if match else ""
        body = content[len(prefix) :].rstrip()
        ending = raw[len(prefix) + len(body) :]
        quote, marker = (match["quote"], match["marker"]) if match else ("", "")
        yield _Line(prefix, body, ending, quote.strip(), bool(marker), False)


def _blocks(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    """Yield runs of lines without a blank or code line between them."""
    block: list[_Line] = []
    for line in lines:
        if line.is_code or not line.body:
            if block:
                yield block
            yield [line]
            block = []
        else:
            block.append(line)
    if block:
        yield block


def _is_wrapped(line: _Line, following: _Line, margin: int, near_margin: int) -> bool:
    """Tell whether a line was ended by the margin, so that the next one continues it."""
    first = _FIRST_WORD.match(following.body)
    if (
        first is None
        or following.has_marker
        or line.quote != following.quote
        or line.width < _MIN_WRAPPED_CHARACTERS
        or _SENTENCE_END.search(line.body)
        or line.ending.startswith("  ")  # a line break by hand in Markdown
        or _CELL_BREAK.search(line.body)
        or _CELL_BREAK.search(following.body)
    ):
        return False
    width_with_next = line.width + 1 + len(first[0])
    if following.body[0].islower():
        return width_with_next > margin - _RAGGED_CHARACTERS
    return width_with_next > margin and line.width >= _SURE_WRAPPED_CHARACTERS and near_margin > 1


def _flow_pieces(
    flow: Sequence[_Line], split: _Split, find_literals: FindLiterals
) -> Iterator[Piece]:
    """Yield the pieces of lines that belong together."""
    breaks: list[tuple[int, str]] = []
    text = flow[0].body
    for index, line in enumerate(flow[1:], 1):
        breaks.append((len(text), flow[index - 1].ending + line.prefix))
        text = f"{text} {line.body}"
    if len(text) > _MAX_FLOW_CHARACTERS:
        yield from _long_flow_pieces(flow, split, find_literals)
        return
    literals = find_literals(text) if text else ()
    if any(_touches(offset, literals) for offset, _ in breaks):
        # A literal must come out as it went in, so its line break cannot move.
        for line in flow:
            yield from _flow_pieces([line], split, find_literals)
        return
    yield Piece(flow[0].prefix, translatable=False)
    yield from _body_pieces(text, breaks, literals, split)
    yield Piece(flow[-1].ending, translatable=False)


def _long_flow_pieces(
    flow: Sequence[_Line], split: _Split, find_literals: FindLiterals
) -> Iterator[Piece]:
    """Yield the pieces of lines that are too long together, line by line and part by part."""
    for line in flow:
        yield Piece(line.prefix, translatable=False)
        rest = line.body
        while rest:
            part = rest[: _part_end(rest, find_literals)]
            yield from _body_pieces(part, (), find_literals(part), split)
            rest = rest[len(part) :]
        yield Piece(line.ending, translatable=False)


def _part_end(text: str, find_literals: FindLiterals) -> int:
    """Return where to cut a long text: after a sentence if there is one, outside literals."""
    if len(text) <= _MAX_FLOW_CHARACTERS:
        return len(text)
    window = text[:_MAX_FLOW_CHARACTERS]
    # A literal that the window's end has cut in two is not found, so keep away from there.
    free = text[: _MAX_FLOW_CHARACTERS - _CUT_MARGIN_CHARACTERS]
    literals = find_literals(window)
    for pattern in (_AFTER_SENTENCE, _AFTER_SPACE):
        cuts = [match.end() for match in pattern.finditer(free, len(free) // 2)]
        for cut in reversed(cuts):
            if not any(left < cut < right for left, right in literals):
                return cut
    return len(free)


def _body_pieces(
    text: str,
    breaks: Sequence[tuple[int, str]],
    literals: Sequence[tuple[int, int]],
    split: _Split,
) -> Iterator[Piece]:
    position = 0
    for start, end in _cells(text, literals):
        inner = [(left - start, right - start) for left, right in literals if right > start]
        for left, right in split(text[start:end], inner):
            yield _copied(text, position, start + left, breaks)
            yield _sentence(text, start + left, start + right, breaks)
            position = start + right
    yield _copied(text, position, len(text), breaks)


def _cells(text: str, literals: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _CELL_BREAK.finditer(text):
        if any(left <= match.start() and match.end() <= right for left, right in literals):
            continue
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _touches(offset: int, literals: Sequence[tuple[int, int]]) -> bool:
    return any(left <= offset < right for left, right in literals)


def _copied(text: str, start: int, end: int, breaks: Sequence[tuple[int, str]]) -> Piece:
    return Piece(_with_breaks(text, start, end, breaks), translatable=False)


def _sentence(text: str, start: int, end: int, breaks: Sequence[tuple[int, str]]) -> Piece:
    inner = tuple((offset - start, mark) for offset, mark in breaks if start <= offset < end)
    translatable = any(character.isalpha() for character in text[start:end])
    source = _with_breaks(text, start, end, breaks)
    return Piece(source, translatable, inner if translatable else ())


def _with_breaks(text: str, start: int, end: int, breaks: Sequence[tuple[int, str]]) -> str:
    pieces: list[str] = []
    position = start
    for offset, separator in breaks:
        if start <= offset < end:
            pieces += [text[position:offset], separator]
            position = offset + 1
    return "".join([*pieces, text[position:end]])


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours that are copied, and drop empty ones."""
    copied: list[str] = []
    for piece in pieces:
        if not piece.translatable:
            copied.append(piece.text)
            continue
        if text := "".join(copied):
            yield Piece(text, translatable=False)
        copied = []
        yield piece
    if text := "".join(copied):
        yield Piece(text, translatable=False)
