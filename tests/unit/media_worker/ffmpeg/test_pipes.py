"""Bounded memory for what ffmpeg says, and the wake-up."""

import select

from hypothesis import given
from hypothesis import strategies as st

from media_worker.ffmpeg.pipes import HeadAndTail, Waker


@given(st.lists(st.integers(min_value=0, max_value=70_000), max_size=8))
def test_beginning_and_end_are_kept_when_there_is_too_much(sizes: list[int]) -> None:
    kept, whole = HeadAndTail(), b""
    for number, size in enumerate(sizes):
        chunk = bytes([65 + number % 26]) * size
        kept.add(chunk)
        whole += chunk
    text = kept.text()
    if len(whole) <= 160 * 1024:
        assert text == whole.decode()
    else:
        assert text == (whole[: 128 * 1024] + whole[-32 * 1024 :]).decode()


def readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def test_reader_wakes_when_told_and_only_then() -> None:
    waker = Waker()
    assert not readable(waker.read_fd)
    waker.wake("reason")
    assert readable(waker.read_fd)
    waker.drain()
    assert not readable(waker.read_fd)
    waker.close()
    # A stop can come after the run has ended.
    waker.wake("late")
