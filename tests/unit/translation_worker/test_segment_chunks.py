"""How many chunks a document is cut into, and that nothing is lost in it."""

import pytest

from translation_worker.document import Segment
from translation_worker.segment_chunks import CHUNK_CHARACTERS, characters_of, cut_chunks


def _segments(characters: int, each: int = 500) -> list[Segment]:
    return [Segment(str(number), ("w" * each,)) for number in range(characters // each)]


@pytest.mark.parametrize(
    ("characters", "chunks"), [(1_000, 1), (30_000, 2), (120_000, 10), (480_000, 20)]
)
def test_chunks_are_more_and_longer_when_a_document_is(characters: int, chunks: int) -> None:
    segments = _segments(characters)
    cut = cut_chunks(segments, 0)
    assert [segment for chunk in cut for segment in chunk] == segments
    assert len(cut) == chunks
    sizes = [sum(map(characters_of, chunk)) for chunk in cut]
    assert max(sizes) - min(sizes) <= 2 * characters_of(segments[0])


def test_chunks_are_not_more_than_allowed() -> None:
    assert len(cut_chunks(_segments(20 * CHUNK_CHARACTERS), 3)) == 3


def test_a_long_segment_is_not_cut() -> None:
    long = _segments(5 * CHUNK_CHARACTERS, each=5 * CHUNK_CHARACTERS)
    assert cut_chunks(long, 0) == [long]


def test_there_is_no_chunk_when_there_is_no_segment() -> None:
    assert cut_chunks([], 0) == []
