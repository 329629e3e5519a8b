"""Segment chunks: how a document's segments are shared out among the steps that translate them."""

import math
from collections.abc import Sequence

from translation_worker.document import Segment, plain_text

# Some ten seconds of a neural engine: short enough to share out and to lose.
CHUNK_CHARACTERS = 12_000
# Of an engine that is faster than that, a chunk is a second: a step has a price of its own.
_FAST_CHUNK_SECONDS = 1.0
# Beyond so many chunks each grows, too: many workers are kept busy already.
_MANY_CHUNKS = 10
# So many chunks of equal length, and the last is halved.
_HALVED_FROM = 3


def characters_of(segment: Segment) -> int:
    """Return how much there is to translate in a segment, in code points."""
    return len(plain_text(segment.content))


def chunk_characters(characters_per_second: float) -> int:
    """Return how long a chunk is to be for engines of a speed."""
    return max(CHUNK_CHARACTERS, round(characters_per_second * _FAST_CHUNK_SECONDS))


def cut_chunks(
    segments: Sequence[Segment], max_chunks: int, characters: int = CHUNK_CHARACTERS
) -> list[list[Segment]]:
    """Cut a document into chunks of about `characters`, at most `max_chunks` (0: no limit).

    A long document has more and longer ones: four times the length, twice as many.
    No chunk is empty, and none cuts a segment. The last of many is halved, so that
    workers who share them end at about the same time.
    """
    total = sum(characters_of(segment) for segment in segments)
    most = max_chunks if max_chunks > 0 else math.inf
    wanted = max(1, round(total / characters))
    if wanted > _MANY_CHUNKS:
        wanted = round(math.sqrt(wanted * _MANY_CHUNKS))
    whole = int(min(wanted, most))
    if _HALVED_FROM <= whole < most:
        whole -= 1
        halves = 2 * whole + 2
    else:
        halves = 2 * whole
    chunks: dict[int, list[Segment]] = {}
    before = 0
    for segment in segments:
        size = characters_of(segment)
        # Its middle decides, so that a long segment goes where most of it is.
        half = min((2 * before + size) * halves // (2 * total), halves - 1) if total else 0
        place = half // 2 if half < 2 * whole else half - whole
        chunks.setdefault(place, []).append(segment)
        before += size
    return [chunks[place] for place in sorted(chunks)]
