"""Sharing: where a translation is cut so that each cue, or line, gets its part of it.

Cuts are made between words, near where the source was cut by its length, and rather after a stop
or a comma than after an article. A cue keeps its time, so its part of the words stays about as
long as it was.
"""

# ruff: noqa: RUF001 - stops of other scripts are looked for

import bisect
import re
import unicodedata
from collections.abc import Sequence

from translation_worker.formats.subtitle_markup import MarkedText

_SPACE = re.compile(r"\s+")
# Chinese and Japanese may be cut between any two characters, but not before these.
_NOT_FIRST = frozenset(
    "、。，．：；？！」』）〉》】〕ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々,.!?:;)"
)
_NOT_LAST = frozenset("「『（〈《【〔(")
_STOP = re.compile(r"[.!?…。？！][\"'”’»)\]]*\Z")
_COMMA = re.compile(r"[,;:—–、，][\"'”’»)\]]*\Z")
_SHORT_WORD = re.compile(r"(?:\A|\s)\w{1,3}\Z")
# How many characters off its place a cut may be for the sake of standing well.
_STOP_GAIN = 9.0
_COMMA_GAIN = 6.0
_SHORT_WORD_LOSS = 3.0
_CANDIDATES_LOOKED_AT = 24
_WIDE = frozenset("WF")


def display_width(text: str) -> int:
    """Return the width of a line in columns; an ideograph takes two, a combining mark none."""
    if text.isascii():
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(character) in _WIDE else 1
        for character in text
        if not unicodedata.combining(character) and unicodedata.category(character) != "Cf"
    )


def share(text: MarkedText, weights: Sequence[int]) -> list[MarkedText]:
    """Cut a text into as many parts as there are weights, each about as long as its weight.

    Where there are too few words, the last cues repeat the last part: none is left empty.
    """
    parts: list[MarkedText] = []
    rest, passed = text, 0
    for left_end, right_start in _cuts(text.text, weights):
        part, rest = rest.cut(left_end - passed, right_start - passed)
        passed = right_start
        parts.append(part)
    parts.append(rest)
    return parts + [parts[-1]] * (len(weights) - len(parts))


def line_ends(text: str, count: int, limit: int) -> list[tuple[int, int]]:
    """Return where to break a text into at most `count` lines: (end, start of the next)."""
    if count == 2:  # noqa: PLR2004 - two lines are the rule, and weighed against each other
        return _two_lines(text, limit)
    return _cuts(text, [1] * count)


def _two_lines(text: str, limit: int) -> list[tuple[int, int]]:
    best: tuple[float, tuple[int, int]] | None = None
    for left_end, right_start in _candidates(text):
        upper, lower = display_width(text[:left_end]), display_width(text[right_start:])
        too_long = max(0, upper - limit) + max(0, lower - limit)
        cost = too_long * 20 + abs(upper - lower) / 2 - 2 * _gain(text, left_end)
        if best is None or cost < best[0]:
            best = (cost, (left_end, right_start))
    return [best[1]] if best else []


def _cuts(text: str, weights: Sequence[int]) -> list[tuple[int, int]]:
    """Return the cuts, one fewer than there are weights, or as many as there is room for."""
    candidates = _candidates(text)
    ends = [left_end for left_end, _ in candidates]
    total = max(sum(weights), 1)
    wanted = min(len(weights) - 1, len(candidates))
    cuts: list[tuple[int, int]] = []
    first = passed = 0
    for index in range(wanted):
        passed += weights[index]
        ideal = passed / total * len(text)
        # Leaves a candidate for each of the cuts to come.
        last = len(candidates) - (wanted - index - 1)
        near = bisect.bisect_left(ends, ideal, first, last)
        low = max(first, near - _CANDIDATES_LOOKED_AT)
        high = max(min(last, near + _CANDIDATES_LOOKED_AT), low + 1)
        chosen = min(range(low, high), key=lambda at: _cost(text, ends[at], ideal))
        cuts.append(candidates[chosen])
        first = chosen + 1
    return cuts


def _cost(text: str, left_end: int, ideal: float) -> float:
    return abs(left_end - ideal) - _gain(text, left_end)


def _gain(text: str, left_end: int) -> float:
    before = text[max(0, left_end - 8) : left_end]
    if _STOP.search(before):
        return _STOP_GAIN
    if _COMMA.search(before):
        return _COMMA_GAIN
    return -_SHORT_WORD_LOSS if _SHORT_WORD.search(before) else 0.0


def _candidates(text: str) -> list[tuple[int, int]]:
    """Return where a text may be cut: the end of what is left of the cut, the start of the rest."""
    found = [
        match.span()
        for match in _SPACE.finditer(text)
        if match.start() > 0 and match.end() < len(text)
    ]
    if text.isascii():
        return found
    for index in range(1, len(text)):
        before, after = text[index - 1], text[index]
        if before.isspace() or after.isspace() or before in _NOT_LAST or after in _NOT_FIRST:
            continue
        if "W" in (unicodedata.east_asian_width(before), unicodedata.east_asian_width(after)):
            found.append((index, index))
    return sorted(found)
