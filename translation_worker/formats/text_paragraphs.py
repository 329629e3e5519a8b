"""Paragraphs of plain text: runs of lines between blank ones.

A paragraph of many thousand characters is cut between sentences or words, so that no segment is
too much for one step.
"""

import re
from collections.abc import Callable, Iterator

MAX_SEGMENT_CHARACTERS = 4000
_LINES_BETWEEN_STOPS = 50_000

_LINE = re.compile(r"[^\r\n\f\v\x85\u2028\u2029]*(?:\r\n|[\r\n\f\v\x85\u2028\u2029]|\Z)")
_AFTER_LINE = re.compile(r"[\r\n]+")
_AFTER_SENTENCE = re.compile(r"[.!?…][\"')\]]*\s|[\u3002\uff01\uff1f]")
_AFTER_SPACE = re.compile(r"\s")


def paragraphs(text: str, stop: Callable[[], None] = lambda: None) -> Iterator[tuple[int, int]]:
    """Yield the ranges of paragraphs, without the space around them, minding `stop`."""
    start = -1
    for number, line in enumerate(_LINE.finditer(text)):
        if number % _LINES_BETWEEN_STOPS == 0:
            stop()
        if line[0].strip():
            start = line.start() if start < 0 else start
        elif start >= 0:
            yield from shorter(text, start, line.start())
            start = -1
    if start >= 0:
        yield from shorter(text, start, len(text))


def shorter(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a range, or parts of a long one, without the space around them."""
    while end - start > MAX_SEGMENT_CHARACTERS:
        cut = _cut_before(text, start + MAX_SEGMENT_CHARACTERS, start)
        yield from _trimmed(text, start, cut)
        start = cut
    yield from _trimmed(text, start, end)


def _cut_before(text: str, limit: int, start: int) -> int:
    """Return the best place to cut in the second half of a part."""
    for pattern in (_AFTER_LINE, _AFTER_SENTENCE, _AFTER_SPACE):
        cuts = [match.end() for match in pattern.finditer(text, (start + limit) // 2, limit)]
        if cuts:
            return cuts[-1]
    return limit


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    stop = start + len(part.strip())
    if stop > start:
        yield start, stop
