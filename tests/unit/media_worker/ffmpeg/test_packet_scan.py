"""Reading ffmpeg's packet list, from captured lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_worker.ffmpeg.media_info import PacketSpan, StreamKind
from media_worker.ffmpeg.packet_scan import MalformedScan, PacketScan

HEADER = b"""\
#extradata 0:       46, 0x34060f8d
#software: Lavf63.1.102
#tb 0: 1/12800
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 320x240
#sar 0: 1/1
#tb 1: 1/44100
#media_type 1: audio
#codec_id 1: aac
#sample_rate 1: 44100
#channel_layout_name 1: stereo
"""
# Three pictures, the last two decoded in another order; sound with its run-up.
PACKETS = b"""\
0,      -1024,          0,      512,     5423, 0x14e33aeb
0,       -512,       1024,      512,     2757, 0x890a6be3, F=0x0
1,      -1024,      -1024,     1024,      344, 0x912ca9da, F=0x5, S=1, Skip Samples,  10, 0x00240004
0,          0,        512,      512,     1360, 0xd48b92b6, F=0x0
1,          0,          0,     1024,      433, 0x55c4d662
1,       1024,       1024,      204,        7, 0x0a1b030a, S=1, Skip Samples,       10, 0x01470037
"""


def scan(*pieces: bytes) -> list[PacketSpan | None]:
    packets = PacketScan()
    for piece in pieces:
        packets.feed(piece)
    return [stream.span() for stream in packets.finish()]


def video(*lines: str) -> PacketSpan | None:
    text = "#tb 0: 1/25\n#media_type 0: video\n#codec_id 0: h264\n" + "".join(
        f"0, {line}\n" for line in lines
    )
    return scan(text.encode())[0]


def test_facts_and_times_are_read_when_the_list_is_whole() -> None:
    packets = PacketScan()
    packets.feed(HEADER + PACKETS)
    picture, sound = packets.finish()
    assert (picture.kind, picture.codec) == (StreamKind.VIDEO, "h264")
    assert (picture.width, picture.height) == (320, 240)
    assert (sound.codec, sound.sample_rate_hz, sound.layout) == ("aac", 44100, "stereo")
    span = picture.span()
    assert span is not None
    assert span.packet_count == 3
    assert span.start_seconds == 0
    assert span.last_start_seconds == pytest.approx(0.08)
    assert span.end_seconds == pytest.approx(0.12)
    assert span.frame_seconds == pytest.approx(0.04)


def test_run_up_is_left_out_when_its_packet_is_to_be_discarded() -> None:
    _, sound = scan(HEADER + PACKETS)
    assert sound is not None
    assert sound.packet_count == 2
    assert sound.seconds == pytest.approx(1228 / 44100)


@given(st.lists(st.integers(min_value=1, max_value=90), max_size=40))
def test_spans_are_the_same_when_the_list_arrives_in_pieces(sizes: list[int]) -> None:
    rest, pieces = HEADER + PACKETS, []
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert scan(*pieces, rest) == scan(HEADER + PACKETS)


def test_order_of_decoding_counts_when_a_container_knows_no_other() -> None:
    span = video("0, -9223372036854775808, 1, 9, 0x0", "1, -9223372036854775808, 1, 9, 0x0, F=0x0")
    assert span is not None
    assert span.packet_count == 2
    assert span.end_seconds == pytest.approx(0.08)


def test_pictures_before_the_first_key_picture_do_not_count_when_it_leads() -> None:
    # An open group cut at its start: 0 and 1 refer to pictures that are gone.
    span = video("0, 2, 1, 9, 0x0", "1, 0, 1, 9, 0x0, F=0x0", "2, 1, 1, 9, 0x0, F=0x0")
    assert span is not None
    assert span.start_seconds == pytest.approx(0.08)


def test_corrupt_packets_are_counted_when_marked() -> None:
    span = video("0, 0, 1, 9, 0x0", "1, 1, 1, 9, 0x0, F=0x2")
    assert span is not None
    assert span.corrupt_count == 1


def test_pause_is_a_hole_when_no_packet_fills_it() -> None:
    span = video("0, 0, 1, 9, 0x0", "1, 1, 1, 9, 0x0", "51, 51, 1, 9, 0x0")
    assert span is not None
    assert span.hole_seconds == pytest.approx(49 / 25)
    assert span.content_seconds == pytest.approx(3 / 25)


def test_last_frame_gets_the_mean_time_when_it_has_no_duration() -> None:
    span = video("0, 0, 0, 9, 0x0", "1, 1, 0, 9, 0x0", "2, 2, 0, 9, 0x0")
    assert span is not None
    assert span.end_seconds == pytest.approx(0.12)


def test_span_is_missing_when_no_packet_is_shown() -> None:
    assert video() is None
    assert video("0, 0, 1, 9, 0x0, F=0x5") is None


@pytest.mark.parametrize(
    "text",
    [
        b"0, 1, 2\n",
        b"#tb 0: 1/25\n0, a, 0, 1, 9, 0x0\n",
        b"0, 0, 0, 1, 9, 0x0\n",
        b"#tb 0: 1/0\n",
        b"x" * 100_000,
    ],
)
def test_list_is_refused_when_it_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedScan):
        scan(text)
