"""Progress: what ffmpeg's blocks say, and what is made of them."""

from hypothesis import given
from hypothesis import strategies as st

from media_worker.ffmpeg.progress import MediaProgress, ProgressBlock, ProgressParser

# Captured from ffmpeg 9: the first block of an encode is early and mostly empty.
FIRST = b"""frame=0
fps=0.00
stream_0_0_q=0.0
bitrate=N/A
total_size=N/A
out_time_us=N/A
out_time_ms=N/A
out_time=N/A
dup_frames=0
drop_frames=0
speed=N/A
progress=continue
"""
MIDDLE = b"""frame=59
fps=48.11
stream_0_0_q=28.0
bitrate= 415.6kbits/s
total_size=155839
out_time_us=4030000
out_time_ms=4030000
out_time=00:00:04.030000
dup_frames=0
drop_frames=0
speed=11.1x
progress=continue
"""
LAST = b"frame=75\nout_time_us=3000000\nout_time_ms=3000000\nprogress=end\n"


def test_values_are_unknown_when_ffmpeg_says_not_available() -> None:
    assert ProgressParser().feed(FIRST) == [ProgressBlock(0, None, is_last=False)]


def test_out_time_is_read_as_microseconds_when_given() -> None:
    assert ProgressParser().feed(MIDDLE) == [
        ProgressBlock(59, 4.03, is_last=False, frames_per_second=48.11, speed=11.1)
    ]


def test_audio_blocks_have_no_frame_when_no_picture_is_encoded() -> None:
    block = ProgressParser().feed(b"out_time_us=500000\nprogress=continue\n")
    assert block == [ProgressBlock(None, 0.5, is_last=False)]


@given(st.lists(st.integers(min_value=1, max_value=40), max_size=60))
def test_blocks_are_the_same_when_they_arrive_in_pieces(sizes: list[int]) -> None:
    text = FIRST + MIDDLE + LAST
    parser, blocks, rest = ProgressParser(), [], text
    for size in sizes:
        blocks += parser.feed(rest[:size])
        rest = rest[size:]
    blocks += parser.feed(rest)
    assert blocks == ProgressParser().feed(text)
    assert len(blocks) == 3


@given(st.binary(max_size=300))
def test_parser_survives_when_the_pipe_holds_anything(noise: bytes) -> None:
    parser = ProgressParser()
    parser.feed(noise)
    assert parser.feed(b"\nprogress=end\n")[-1].is_last


def test_frames_count_when_pictures_are_encoded() -> None:
    progress = MediaProgress(60.0, total_frames=1500)
    # The clock is at 4.03 s because of the sound; the picture is at 2.36 s.
    assert progress.take(ProgressBlock(59, 4.03, is_last=False)) == 60.0 * 59 / 1500


def test_clock_counts_when_only_sound_is_encoded() -> None:
    progress = MediaProgress(60.0)
    assert progress.take(ProgressBlock(None, 15.0, is_last=False)) == 15.0


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(min_value=-5, max_value=5000),
            st.none() | st.floats(min_value=-10, max_value=500),
        )
    ),
    st.sampled_from([None, 1500]),
)
def test_progress_only_grows_and_waits_for_the_check_when_blocks_jump(
    blocks: list[tuple[int | None, float | None]], total_frames: int | None
) -> None:
    progress = MediaProgress(60.0, total_frames)
    done = [progress.take(ProgressBlock(f, t, is_last=True)) for f, t in blocks]
    assert done == sorted(done)
    assert all(0 <= value < 60.0 for value in done)
    assert progress.finish() == 60.0
