"""Where a video is cut, how its frames' times are read, and what is checked of the pieces."""

from array import array
from fractions import Fraction

import pytest

from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.packet_scan import MalformedScan
from media_worker.segments.arguments import (
    Join,
    SegmentEncode,
    join_arguments,
    join_list,
    segment_arguments,
)
from media_worker.segments.checks import check_joined, check_segment
from media_worker.segments.cutting import Segment, count_segments, cut, wastes_decoding
from media_worker.segments.frame_times import FrameTimes, FrameTimesReader

NO_TIME = -(2**63)
HEADER = "#software: x\n#tb 0: 1/1000\n#media_type 0: video\n"


def times(ticks: list[int], keys: list[int] | None = None, base: int = 30) -> FrameTimes:
    return FrameTimes(Fraction(1, base), array("q", ticks), array("q", keys or ticks[:1]), 1)


def read(*packets: tuple[int, str]) -> FrameTimes | str:
    """Read packets given as (time, flags), 40 ticks long each."""
    reader = FrameTimesReader()
    lines = "".join(f"0, {shown}, {shown}, 40, 100, 0x0, F={flags}\n" for shown, flags in packets)
    data = (HEADER + lines).encode()
    for at in range(0, len(data), 7):
        reader.feed(data[at : at + 7])
    return reader.finish()


def test_times_are_sorted_when_packets_come_in_the_order_of_decoding() -> None:
    found = read((0, "0x1"), (120, "0x0"), (40, "0x0"), (80, "0x0"))
    assert isinstance(found, FrameTimes)
    assert list(found.ticks) == [0, 40, 80, 120]
    assert list(found.key_ticks) == [0]
    assert (found.last_duration_ticks, found.seconds(500)) == (40, Fraction(1, 2))


def test_discarded_packets_are_no_frames_when_an_edit_list_hides_them() -> None:
    found = read((0, "0x5"), (40, "0x4"), (80, "0x0"), (120, "0x0"))
    assert isinstance(found, FrameTimes)
    assert list(found.ticks) == [80, 120]
    assert list(found.key_ticks) == [0]


@pytest.mark.parametrize(
    ("packets", "word"),
    [
        ([], "no_frames"),
        ([(0, "0x1"), (NO_TIME, "0x0")], "frames_without_time"),
        ([(0, "0x1"), (40, "0x0"), (40, "0x0")], "two_frames_at_once"),
        ([(80, "0x1"), (40, "0x0"), (120, "0x0")], "frames_before_the_first_key"),
    ],
)
def test_reading_says_why_when_frames_have_no_certain_time(
    packets: list[tuple[int, str]], word: str
) -> None:
    assert read(*packets) == word


@pytest.mark.parametrize(
    "text", ["0, 1, 1, 1\n", "#tb 0: 1/25\n0, 1, x, 1, 1, 0x0\n", "#tb 0: 1/25\n0,1,1,1\n"]
)
def test_reading_fails_when_the_list_is_not_as_ffmpeg_writes_it(text: str) -> None:
    with pytest.raises(MalformedScan):
        FrameTimesReader().feed(text.encode())


def test_reading_fails_when_a_line_has_no_end() -> None:
    with pytest.raises(MalformedScan):
        FrameTimesReader().feed(b"0" * 70_000)


def test_cuts_lie_midway_between_frames_when_a_video_is_cut() -> None:
    segments = cut(times(list(range(90))), 3)
    assert [segment.frames for segment in segments] == [30, 30, 30]
    assert [segment.seek_microseconds for segment in segments] == [None, 983_333, 1_983_333]
    assert [segment.start_microseconds for segment in segments] == [0, 1_000_000, 2_000_000]
    assert {segment.last_start_microseconds for segment in segments} == {966_667}


def test_durations_never_add_up_to_a_drift_when_each_is_rounded() -> None:
    # 24000/1001 frames a second: no duration is a whole number of microseconds.
    odd = FrameTimes(Fraction(1001, 24000), array("q", range(2398)), array("q", [0]), 1)
    segments = cut(odd, 50)
    start = 0
    for segment in segments:
        assert segment.start_microseconds == start
        start += segment.duration_microseconds
    assert start == round(2398 * Fraction(1001, 24000) * 1_000_000)


def test_cuts_go_by_time_when_frames_are_uneven() -> None:
    # A second of 60 frames, then one of 7.
    ticks = [*range(60), *range(60, 120, 10), 119]
    assert [segment.frames for segment in cut(times(ticks, base=60), 2)] == [60, 7]


def test_fewer_segments_are_cut_when_there_are_not_that_many_frames() -> None:
    assert [segment.frames for segment in cut(times([0, 1]), 5)] == [1, 1]
    # A pause in which nothing is shown has no frame to begin with.
    assert [segment.frames for segment in cut(times([0, 1, 1000]), 5)] == [2, 1]


@pytest.mark.parametrize(
    ("seconds", "length", "most", "count"),
    [(60.0, 30.0, 200, 2), (44.0, 30.0, 200, 1), (46.0, 30.0, 200, 2), (9000.0, 1.0, 200, 200)],
)
def test_count_follows_the_length_when_there_is_room(
    seconds: float, length: float, most: int, count: int
) -> None:
    assert count_segments(seconds, length, most) == count


def test_decoding_is_wasted_when_key_pictures_are_rare() -> None:
    often = times(list(range(900)), list(range(0, 900, 30)))
    once = times(list(range(900)), [0])
    assert not wastes_decoding(often, cut(often, 10))
    assert wastes_decoding(once, cut(once, 10))


def test_segment_is_read_from_its_cut_when_it_is_not_the_first() -> None:
    first, second = cut(times(list(range(60))), 2)
    encode = SegmentEncode(
        stream_index=3,
        segment=second,
        video_arguments=("-c:v", "libx264", "-vf", "scale=96:-2"),
        threads=2,
        strict=True,
        output_name="segment.mp4",
    )
    arguments = segment_arguments(SourceAccess(), encode)
    assert arguments.index("-ss") < arguments.index("-i")
    assert value(arguments, "-ss") == "983333us"
    assert value(arguments, "-frames:v") == "30"
    assert value(arguments, "-vf") == "setpts=PTS-STARTPTS,scale=96:-2"
    assert value(arguments, "-map") == "0:3"
    from_start = SegmentEncode(3, first, (), 2, strict=False, output_name="segment.mp4")
    assert "-ss" not in segment_arguments(SourceAccess(), from_start)
    assert "-format_whitelist" in arguments


def test_list_names_every_duration_when_segments_are_joined() -> None:
    listed = join_list(["a.mp4", "b.mp4"], cut(times(list(range(60))), 2))
    assert listed.splitlines() == [
        *("ffconcat version 1.0", "file a.mp4", "duration 1000000us"),
        *("file b.mp4", "duration 1000000us"),
    ]


def test_source_is_not_opened_when_a_video_without_sound_is_joined() -> None:
    silent = join_arguments(SourceAccess(), a_join(None))
    assert silent.count("-i") == 1
    assert "1:2" not in silent
    heard = join_arguments(SourceAccess(), a_join(2))
    assert heard.count("-i") == 2
    assert "1:2" in heard
    # The list may name nothing but segments.
    assert value(heard, "-format_whitelist") == "concat,mov"


def test_segment_is_refused_when_a_frame_is_missing_or_late() -> None:
    _, second = cut(times(list(range(60))), 2)
    check_segment(times(list(range(30))), second)
    for wrong, check in (
        (times(list(range(29))), "segment_frames"),
        ("frames_without_time", "segment_frames"),
        (times([*range(29), 30]), "segment_duration"),
    ):
        with pytest.raises(StepFailure) as failure:
            check_segment(wrong, second)
        assert failure.value.metadata == {"check": check}


def test_whole_is_refused_when_a_segment_is_late() -> None:
    segments = cut(times(list(range(60))), 2)
    assert check_joined(times(list(range(10, 70))), segments) <= 1
    # The second half comes a hundredth of a second late.
    late = times([*range(0, 3000, 100), *range(3030, 6030, 100)], base=3000)
    with pytest.raises(StepFailure) as failure:
        check_joined(late, segments)
    assert failure.value.metadata == {"check": "segment_drift"}
    with pytest.raises(StepFailure) as failure:
        check_joined(times(list(range(59))), segments)
    assert failure.value.metadata == {"check": "video_frames"}


def a_join(audio_index: int | None) -> Join:
    return Join(
        audio_index=audio_index,
        audio_arguments=(),
        container_arguments=(),
        muxer="mp4",
        output_name="output.mp4",
        threads=1,
        start_microseconds=0,
        max_seconds=2.0,
    )


def value(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


def test_segment_lasts_as_long_as_its_frames_when_it_is_the_only_one() -> None:
    assert cut(times(list(range(30))), 1) == (Segment(30, None, 0, 966_667, 1_000_000),)
