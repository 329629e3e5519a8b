"""Blocks of Markdown that hold words: paragraphs, headings and cells, with their places.

markdown-it finds the blocks; their lines are looked up in the source, so that it can be patched.
A block whose lines cannot be found again stays as it is.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FRONT_MATTER = re.compile(r"(?:\A|(?<=\A\ufeff))(---|\+\+\+)[ \t]*(?:\r\n|\r|\n)")
# Longer blocks are cut, as the time for one grows with the square of its length.
_MAX_BLOCK_CHARACTERS = 2000
_HEADING_MARK = re.compile(r"#{1,6}")


@dataclass(frozen=True, slots=True)
class MarkdownBlock:
    """A block with words: `text` is what its lines hold, joined by line feeds.

    `starts` and `ends` are where these lines stand in the source, without what marks the block.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    context: str

    @property
    def is_cell(self) -> bool:
        """Tell whether it is a cell of a table, in which a bar ends it."""
        return self.context == "cell"

    def source_offsets(self) -> tuple[Callable[[int], int], Callable[[int], int]]:
        """Return two functions: where a range of `text` starts in the source, and where it ends.

        A range that ends with a line ends in the source where the next line begins.
        """
        firsts = [0]
        for start, end in zip(self.starts, self.ends, strict=True):
            firsts.append(firsts[-1] + end - start + 1)

        def start_of(offset: int) -> int:
            line = bisect_right(firsts, offset, hi=len(self.starts)) - 1
            return self.starts[line] + offset - firsts[line]

        def end_of(offset: int) -> int:
            if self.text[offset - 1 : offset] == "\n":
                return start_of(offset)
            return start_of(offset - 1) + 1

        return start_of, end_of


class MarkdownBlocks:
    """The blocks of one document, and what its references are called."""

    def __init__(self, source: str, markdown: MarkdownIt) -> None:
        self._source = source
        self._lines = [match.span() for match in _LINE.finditer(source)]
        self.env: EnvType = {}
        self._tokens = markdown.parse(self._without_front_matter(), self.env)

    def __iter__(self) -> Iterator[MarkdownBlock]:
        """Yield the blocks in their order."""
        cursor = 0
        containers: list[str] = []
        row: Sequence[int] = ()
        for token in self._tokens:
            if token.nesting > 0:
                containers.append(token.type)
                if token.type == "tr_open":
                    row = token.map or ()
                    cursor = self._lines[row[0]][0] if row else 0
            elif token.nesting < 0:
                containers.pop()
            if token.type != "inline" or not token.content:
                continue
            holder = containers[-1] if containers else ""
            if holder in {"th_open", "td_open"}:
                block = self._cell(token, row, cursor)
                cursor = block.ends[0] if block else cursor
            else:
                block = self._lines_of(token, holder)
            if block is not None:
                yield from _cut(block)

    def _without_front_matter(self) -> str:
        """Return the source with empty lines for the settings at its top."""
        match = _FRONT_MATTER.match(self._source)
        if match is None:
            return self._source
        for number, (start, end) in enumerate(self._lines[1:], 1):
            if self._source[start:end].rstrip() == match[1]:
                return "\n" * (number + 1) + self._source[end:]
        return self._source

    def _lines_of(self, token: Token, holder: str) -> MarkdownBlock | None:
        starts: list[int] = []
        ends: list[int] = []
        first = token.map[0] if token.map else 0
        contents = token.content.split("\n")
        for number, content in enumerate(contents):
            if first + number >= len(self._lines):
                return None
            found = self._find(first + number, content.strip(), holder, number == len(contents) - 1)
            if found is None:
                return None
            starts.append(found[0])
            ends.append(found[1])
        text = "\n".join(self._source[start:end] for start, end in zip(starts, ends, strict=True))
        context = "heading" if holder == "heading_open" else ""
        return MarkdownBlock(text, tuple(starts), tuple(ends), context)

    def _find(
        self, number: int, content: str, holder: str, is_last: bool
    ) -> tuple[int, int] | None:
        """Find what a line of a block holds; the space at its end counts if a line follows."""
        start, end = self._lines[number]
        line = self._source[start:end].rstrip("\r\n")
        body = line.rstrip()
        if holder == "heading_open" and not body.endswith(content):
            mark = _HEADING_MARK.search(body)
            place = body.find(content, mark.end()) if mark else -1
            return None if place < 0 else (start + place, start + place + len(content))
        if not body.endswith(content):
            return None
        return start + len(body) - len(content), start + len(body if is_last else line)

    def _cell(self, token: Token, row: Sequence[int], cursor: int) -> MarkdownBlock | None:
        if not row:
            return None
        content = token.content.replace("|", "\\|")
        place = self._source.find(content, cursor, self._lines[row[0]][1])
        if place < 0:
            return None
        return MarkdownBlock(content, (place,), (place + len(content),), "cell")


def _cut(block: MarkdownBlock) -> Iterator[MarkdownBlock]:
    """Yield a block, or parts of a long one that end with a line, else with a word."""
    if len(block.text) <= _MAX_BLOCK_CHARACTERS:
        yield block
        return
    lines: list[tuple[int, int, str]] = []
    length = 0
    for line in zip(block.starts, block.ends, block.text.split("\n"), strict=True):
        if lines and length + len(line[2]) > _MAX_BLOCK_CHARACTERS:
            yield _block(lines, block.context)
            lines, length = [], 0
        *parts, last = _parts_of_line(*line)
        for part in parts:
            yield _block([part], block.context)
        lines.append(last)
        length += len(last[2]) + 1
    yield _block(lines, block.context)


def _block(lines: Sequence[tuple[int, int, str]], context: str) -> MarkdownBlock:
    starts, ends, texts = zip(*lines, strict=True)
    return MarkdownBlock("\n".join(texts), starts, ends, context)


def _parts_of_line(start: int, end: int, text: str) -> Iterator[tuple[int, int, str]]:
    position = 0
    while len(text) - position > _MAX_BLOCK_CHARACTERS:
        limit = position + _MAX_BLOCK_CHARACTERS
        cut = text.rfind(" ", position + 1, limit) + 1 or limit
        yield start + position, start + cut, text[position:cut]
        position = cut
    yield start + position, end, text[position:]
