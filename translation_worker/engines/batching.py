"""Batching: sentences in groups of which each fits into one call of an engine."""

from collections.abc import Callable, Iterator, Sequence


def batches(
    sentences: Sequence[str],
    *,
    max_segments: int,
    max_size: int,
    size_of: Callable[[str], int] = len,
) -> Iterator[list[str]]:
    """Yield the sentences in order; one that is larger than `max_size` goes alone."""
    batch: list[str] = []
    size = 0
    for sentence in sentences:
        added = size_of(sentence)
        if batch and (len(batch) >= max_segments or size + added > max_size):
            yield batch
            batch, size = [], 0
        batch.append(sentence)
        size += added
    if batch:
        yield batch
