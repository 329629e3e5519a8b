"""Placeholders: literals travel through an engine as words that no engine translates.

`XQZ0`, `XQZ1` … come back unchanged from neural and rule-based engines alike, where braces,
percent signs and angle brackets do not. `mask` puts them in; `Masked.unmask` takes them out again
and refuses a translation in which one is lost, doubled, or a tag ends before it begins.
"""

# ruff: noqa: RUF001 - look-alike quotes and dashes are what these patterns are about

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from translation_worker.protection import Span, SpanKind

# A text that holds one of these words itself is masked with another. The second is the other way
# to mask a sentence on which the first has failed.
_PREFIXES = ("XQZ", "QX", "ZQX", "KXQ", "QZK", "XJQ", "QJX", "ZJQ")

# Literals with only this between them become one placeholder: fewer words for the engine to lose,
# and their order cannot change.
_JOINT = re.compile(r"[\s,/|:;=+&×x·*#–—-]{0,3}")
_MAX_INDEX_DIGITS = 4
# Behind these an engine may forget the space.
_STOPS = frozenset(".,;:!?…")
# Filled in by their order: a printf field without number or name, and empty braces.
_POSITIONAL = re.compile(r"%(?!%|\(|\d+\$|\d+(?![.\w]))[-+#0'\d.*hlLqjzt]*[a-zA-Z@]|\{\}")


class PlaceholderError(Exception):
    """A placeholder was lost, doubled or moved out of its place."""


@dataclass(frozen=True)
class _Literal:
    """One masked literal and what stood beside it in the source."""

    original: str
    kind: SpanKind
    before: str
    after: str
    touches_previous: bool


@dataclass(frozen=True)
class Masked:
    """A sentence with placeholders for its literals."""

    text: str
    literals: tuple[_Literal, ...]
    prefix: str

    @property
    def has_words(self) -> bool:
        """Tell whether anything but placeholders is there to translate."""
        words = self._pattern().sub("", self.text) if self.literals else self.text
        return any(character.isalpha() for character in words)

    def without_placeholders(self, text: str) -> str:
        """Return a masked text, or its translation, with a space for every placeholder."""
        return self._tolerant_pattern().sub(" ", text)

    def token_pattern(self) -> re.Pattern[str]:
        """Return the pattern of a placeholder exactly as it was put in."""
        return self._pattern()

    def unmask(self, translated: str) -> str:
        """Put the literals back; raises PlaceholderError unless each is there once, in place."""
        if not self.literals:
            return translated
        for pattern in (self._pattern(), self._tolerant_pattern()):
            matches = list(pattern.finditer(translated))
            order = [int(match[1]) for match in matches]
            if sorted(order) == list(range(len(self.literals))):
                break
        else:
            raise PlaceholderError
        positional = [index for index in order if _POSITIONAL.search(self.literals[index].original)]
        if not self._nests(order) or positional != sorted(positional):
            raise PlaceholderError
        return self._filled(translated, matches)

    def enclosed(self, masked_text: str) -> list[str]:
        """Return what each pair of tags encloses, in order of the pairs, without placeholders.

        Takes the masked source or a translation of it that `unmask` accepts.
        """
        pairs = self._pairs()
        if not pairs:
            return []
        spots: dict[int, re.Match[str]] = {}
        for pattern in (self._tolerant_pattern(), self._pattern()):
            spots |= {int(match[1]): match for match in pattern.finditer(masked_text)}
        return [
            self.without_placeholders(masked_text[spots[opening].end() : spots[closing].start()])
            for closing, opening in sorted(pairs.items())
            if opening in spots and closing in spots
        ]

    def _pairs(self) -> dict[int, int]:
        """Return the opening tag of each closing one that has any."""
        partners = _partners(self.literals, range(len(self.literals)))
        return {closing: opening for closing, opening in partners.items() if opening >= 0}

    def _nests(self, order: Sequence[int]) -> bool:
        """Tell whether every tag still closes what was opened last, as in the source."""
        if not any(literal.kind is not SpanKind.LITERAL for literal in self.literals):
            return True
        tags = [index for index in order if self.literals[index].kind is not SpanKind.LITERAL]
        partners = _partners(self.literals, range(len(self.literals)))
        return _partners(self.literals, tags) == partners

    def _filled(self, translated: str, matches: Sequence[re.Match[str]]) -> str:
        pieces: list[str] = []
        position = 0
        hugging = False
        previous = -1
        for match in matches:
            index = int(match[1])
            literal = self.literals[index]
            between = translated[position : match.start()]
            if literal.touches_previous and previous == index - 1 and not between.strip():
                between = ""
            elif hugging:
                between = between.lstrip()
            pieces.append(_fitted_before(between, literal))
            pieces.append(literal.original)
            previous = index
            position = match.end()
            hugging = _hugs_after(literal, translated[position:].lstrip()[:1])
            following = translated[position : position + 1]
            if literal.after.isspace() and following.isalnum():
                pieces.append(" ")
        rest = translated[position:]
        pieces.append(rest.lstrip() if hugging else rest)
        return "".join(pieces)

    def _pattern(self) -> re.Pattern[str]:
        return _exact(self.prefix)

    def _tolerant_pattern(self) -> re.Pattern[str]:
        return _tolerant(self.prefix)


@functools.lru_cache(maxsize=32)
def _exact(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{prefix}(\d{{1,{_MAX_INDEX_DIGITS}}})(?!\d)")


@functools.lru_cache(maxsize=32)
def _tolerant(prefix: str) -> re.Pattern[str]:
    letters = r"\s?".join(prefix)
    return re.compile(rf"{letters}[\s_-]?(\d{{1,{_MAX_INDEX_DIGITS}}})(?!\d)", re.IGNORECASE)


def mask(text: str, spans: Sequence[Span], *, style: int = 0) -> Masked:
    """Replace each literal of a sentence by a placeholder; another `style`, other words."""
    folded = text.upper()
    free = [prefix for prefix in _PREFIXES if prefix not in folded]
    if len(free) <= style:
        free += [prefix for prefix in _more_prefixes(len(text)) if prefix not in folded]
    prefix = free[style]
    pieces: list[str] = []
    literals: list[_Literal] = []
    position = 0
    for span in _joined(text, spans):
        before, after = text[: span.start][-1:], text[span.end : span.end + 1]
        pieces.append(text[position : span.start])
        touches = bool(literals) and span.start == position
        if before.isalnum() or touches:
            pieces.append(" ")
        pieces.append(f"{prefix}{len(literals)}")
        # A digit would become part of the number, a letter part of the word.
        if after.isalnum():
            pieces.append(" ")
        literals.append(_Literal(span.literal(text), span.kind, before, after, touches))
        position = span.end
    pieces.append(text[position:])
    return Masked("".join(pieces), tuple(literals), prefix)


def split_around(text: str, spans: Sequence[Span]) -> list[tuple[str, bool]]:
    """Cut a sentence into runs, each with whether it is literal.

    Joined they are the sentence, with the terms of a glossary as they shall be.
    """
    runs: list[tuple[str, bool]] = []
    position = 0
    for span in spans:
        if span.start > position:
            runs.append((text[position : span.start], False))
        runs.append((span.literal(text), True))
        position = span.end
    if position < len(text):
        runs.append((text[position:], False))
    return runs


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined:
            last = joined[-1]
            between = text[last.end : span.start]
            literal = span.kind is last.kind is SpanKind.LITERAL
            if (literal and _JOINT.fullmatch(between)) or (not between and span.kind is last.kind):
                words = None
                if last.words is not None or span.words is not None:
                    words = f"{last.literal(text)}{between}{span.literal(text)}"
                joined[-1] = Span(last.start, span.end, last.kind, words)
                continue
        joined.append(span)
    return joined


def _more_prefixes(text_length: int) -> list[str]:
    """Return enough further prefixes that a text of this length cannot hold them all."""
    return [f"XQZ{'Q' * count}X" for count in range(1, text_length + 2)]


def _partners(literals: Sequence[_Literal], order: Sequence[int]) -> dict[int, int]:
    """Return which opening each closing ends; -1 for one that ends nothing."""
    stack: list[int] = []
    partners: dict[int, int] = {}
    for index in order:
        if literals[index].kind is SpanKind.OPENING:
            stack.append(index)
        elif literals[index].kind is SpanKind.CLOSING:
            partners[index] = stack.pop() if stack else -1
    return partners


def _fitted_before(between: str, literal: _Literal) -> str:
    """Set the space before a literal as it was in the source."""
    stripped = between.rstrip()
    neighbour = stripped[-1:]
    if literal.before.isspace():
        needs_space = between[-1:].isalnum() or between[-1:] in _STOPS
        return f"{between} " if needs_space else between
    if literal.kind is SpanKind.CLOSING and literal.before:
        return stripped
    if literal.before.isalnum() and neighbour.isalnum():
        return stripped
    if literal.before and literal.before == neighbour:
        return stripped
    return between


def _hugs_after(literal: _Literal, neighbour: str) -> bool:
    """Tell whether the space after a literal has to go, as there was none in the source."""
    if not literal.after or literal.after.isspace():
        return False
    if literal.kind is SpanKind.OPENING:
        return True
    if literal.after.isalnum():
        return neighbour.isalnum()
    return literal.after == neighbour
