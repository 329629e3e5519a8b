"""How many chunks a document is cut into, and that nothing is lost in it."""

import pytest

from translation_worker.document import Segment
from translation_worker.segment_chunks import CHUNK_CHARACTERS, characters_of, cut_chunks


def _segments(characters: int, each: int = 500) -> list[Segment]:
    return [Segment(str(number), ("w" * each,)) for number in range(characters // each)]


@pytest.mark.parametrize(
    ("characters", "chunks"), [(1_000, 1), (30_000, 2), (36_000, 4), (120_000, 11), (480_000, 21)]
)
def test_chunks_are_more_and_longer_when_a_document_is(characters: int, chunks: int) -> None:
    segments = _segments(characters)
    cut = cut_chunks(segments, 0)
    assert [segment for chunk in cut for segment in chunk] == segments
    assert len(cut) == chunks
    sizes = [sum(map(characters_of, chunk)) for chunk in cut]
    if chunks > 2:
        sizes[-2:] = [2 * size for size in sizes[-2:]]
    assert max(sizes) - min(sizes) <= 2 * characters_of(segments[0])


@pytest.mark.parametrize("most", [1, 2, 3, 4, 14])
def test_chunks_are_not_more_than_allowed(most: int) -> None:
    segments = _segments(20 * CHUNK_CHARACTERS)
    cut = cut_chunks(segments, most)
    assert len(cut) == most
    assert [segment for chunk in cut for segment in chunk] == segments


def test_a_long_segment_is_not_cut() -> None:
    long = _segments(5 * CHUNK_CHARACTERS, each=5 * CHUNK_CHARACTERS)
    assert cut_chunks(long, 0) == [long]


def test_there_is_no_chunk_when_there_is_no_segment() -> None:
    assert cut_chunks([], 0) == []
