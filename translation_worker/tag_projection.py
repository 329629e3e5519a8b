"""Tag projection: whether markup still encloses the same words, and putting it there if not.

An engine may keep every tag and yet move the words out of them. What a pair of tags encloses is
therefore translated on its own as well, and looked for in the translated sentence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from translation_worker.protection import Span, SpanKind

# Words of related form share their beginning: vermelho and vermelha, casa and casas.
_STEM_CHARACTERS = 4
# Articles and prepositions are in every sentence and prove nothing.
_MIN_WORD_CHARACTERS = 3


@dataclass(frozen=True)
class TaggedWords:
    """A stretch of a sentence between an opening tag and its closing one."""

    opening: str
    inner: str
    closing: str


def encloses_the_same(expected: str, found: str) -> bool:
    """Tell whether two translations of the same words have a word in common, by its stem."""
    wanted, seen = _stems(expected), _stems(found)
    if not wanted:
        return True
    return bool(wanted & seen)


def simple_pairs(sentence: str, spans: Sequence[Span]) -> list[TaggedWords] | None:
    """Return the pairs of tags that hold no other literal; None if any tag is in another way."""
    tags = [index for index, span in enumerate(spans) if span.kind is not SpanKind.LITERAL]
    pairs: list[TaggedWords] = []
    for first, second in zip(tags[::2], tags[1::2], strict=False):
        opening, closing = spans[first], spans[second]
        kinds = (opening.kind, closing.kind)
        if kinds != (SpanKind.OPENING, SpanKind.CLOSING) or second != first + 1:
            return None
        pairs.append(
            TaggedWords(
                sentence[opening.start : opening.end],
                sentence[opening.end : closing.start],
                sentence[closing.start : closing.end],
            )
        )
    return pairs if pairs and len(tags) % 2 == 0 else None


def without_tags(sentence: str, spans: Sequence[Span]) -> str:
    """Return a sentence without its tags."""
    pieces: list[str] = []
    position = 0
    for span in spans:
        if span.kind is not SpanKind.LITERAL:
            pieces.append(sentence[position : span.start])
            position = span.end
    return "".join([*pieces, sentence[position:]])


def project(
    translated: str, pairs: Sequence[TaggedWords], inner_translations: Sequence[str]
) -> str | None:
    """Put the tags around the words that they belong to; None unless each is found just once."""
    spots: list[tuple[int, int, TaggedWords]] = []
    for pair, inner in zip(pairs, inner_translations, strict=True):
        words = re.escape(inner.strip().strip(".,;:!?"))
        if not words:
            return None
        found = list(re.finditer(rf"(?<!\w){words}(?!\w)", translated, re.IGNORECASE))
        if len(found) != 1:
            return None
        spots.append((found[0].start(), found[0].end(), pair))
    spots.sort(key=lambda spot: spot[0])
    pieces: list[str] = []
    position = 0
    for start, end, pair in spots:
        if start < position:
            return None
        pieces += [translated[position:start], pair.opening, translated[start:end], pair.closing]
        position = end
    return "".join([*pieces, translated[position:]])


def _stems(text: str) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    long = [word for word in words if len(word) >= _MIN_WORD_CHARACTERS]
    return {word[:_STEM_CHARACTERS] for word in (long or words)}
