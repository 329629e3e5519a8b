"""Reading what ffmpeg prints about a file, from captured text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_worker.ffmpeg.media_info import StreamInfo, StreamKind
from media_worker.ffmpeg.stream_dump import (
    channels_of_layout,
    complaints,
    parse_stream_dump,
    parse_stream_mapping,
)

# Captured from ffmpeg 9; the title holds a line break and a false stream.
MP4 = """\
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:input':
  Metadata:
    major_brand     : isom
    title           : hey
                    : Stream #0:9: Video: h264
  Duration: 01:02:03.50, start: 0.000000, bitrate: 788 kb/s
  Chapters:
    Chapter #0:0: start 0.000000, end 1.000000
      Metadata:
        title           : one
  Stream group #0:0[0x4]: Track Reference:
    Stream #0:0[0x1](und): Video: h264 (Constrained Baseline) (avc1 / 0x31637661), \
yuv420p(progressive), 320x240 [SAR 1:1 DAR 4:3], 706 kb/s, 29.97 fps, 25 tbr, 12800 tbn (default)
      Metadata:
        handler_name    : VideoHandler
    Stream #0:3[0x4](eng): Data: none (tmcd / 0x64636D74), 0 kb/s
  Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, 5.1(side), fltp, 69 kb/s
  Stream #0:2[0x3](fra): Subtitle: mov_text (tx3g / 0x67337874), 0 kb/s
At least one output file must be specified
"""
COVER = """\
Input #0, mp3, from 'file:input':
  Duration: N/A, start: 0.025056, bitrate: 66 kb/s
  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, mono, fltp, 64 kb/s, start 0.025057
  Stream #0:1: Video: png, rgb24(pc, gbr/unknown/unknown), 64x64 [SAR 1:1 DAR 1:1], 90k tbr, \
90k tbn, start 0.025056 (attached pic)
"""


def test_streams_are_read_when_the_dump_nests_them() -> None:
    info = parse_stream_dump(MP4)
    assert info is not None
    assert info.declared_start_seconds == 0.0
    assert info.format_names[:2] == ("mov", "mp4")
    assert info.declared_seconds == pytest.approx(3723.5)
    assert info.streams == (
        StreamInfo(
            index=0,
            kind=StreamKind.VIDEO,
            codec="h264",
            is_default=True,
            width=320,
            height=240,
            frames_per_second=29.97,
        ),
        StreamInfo(
            index=1,
            kind=StreamKind.AUDIO,
            codec="aac",
            language="eng",
            sample_rate_hz=44100,
            channels=6,
        ),
        StreamInfo(index=2, kind=StreamKind.SUBTITLE, codec="mov_text", language="fra"),
        StreamInfo(index=3, kind=StreamKind.OTHER, codec="none", language="eng"),
    )


def test_picture_is_a_cover_when_it_is_attached() -> None:
    info = parse_stream_dump(COVER)
    assert info is not None
    assert info.declared_seconds is None
    assert [(s.kind, s.is_cover) for s in info.streams] == [
        (StreamKind.AUDIO, False),
        (StreamKind.VIDEO, True),
    ]
    assert (info.streams[1].width, info.streams[1].height) == (64, 64)


def test_nothing_is_found_when_the_file_was_not_opened() -> None:
    assert parse_stream_dump("Error opening input: Invalid data found\n") is None


@given(st.text(max_size=400))
def test_parser_survives_when_the_text_is_anything(text: str) -> None:
    parse_stream_dump(text)
    parse_stream_dump("Input #0, mov, from 'x':\n" + text)


@pytest.mark.parametrize(
    ("name", "count"),
    [("mono", 1), ("stereo", 2), ("5.1(side)", 6), ("7.1", 8), ("5.1.4", 10), ("24 channels", 24)],
)
def test_channels_are_counted_when_the_layout_is_known(name: str, count: int) -> None:
    assert channels_of_layout(name) == count


def test_channels_are_unknown_when_the_layout_is() -> None:
    assert channels_of_layout("somewhere") is None


def test_start_is_read_when_the_file_does_not_begin_at_zero() -> None:
    info = parse_stream_dump(MP4.replace("start: 0.000000, b", "start: 5.040000, b"))
    assert info is not None
    assert (info.declared_seconds, info.declared_start_seconds) == (3723.5, 5.04)


def test_forced_tracks_are_told_from_others() -> None:
    line = "  Stream #0:2[0x3](fra): Subtitle: mov_text (tx3g / 0x67337874), 0 kb/s"
    info = parse_stream_dump(MP4.replace(line, f"{line} (forced)"))
    assert info is not None
    assert [stream.is_forced for stream in info.streams].count(True) == 1


RUN = """\
Input #0, matroska,webm, from 'file:input':
  Metadata:
    title           : partial file
                    : Stream #0:7 -> #0:0 (copy)
  Stream #0:0: Audio: flac, 44100 Hz, mono, s16
  Stream #0:1: Video: h264 (High), yuv420p, 320x240, 25 fps
Stream mapping:
  Stream #0:1 -> #0:0 (copy)
  Stream #0:0 -> #0:1 (copy)
  Stream #0:1 -> #1:0 (h264 (native) -> wrapped_avframe (native))
[matroska,webm @ 0x55] File ended prematurely at pos. 1000
"""


def test_streams_are_found_again_when_they_are_copied_in_another_order() -> None:
    assert parse_stream_mapping(RUN) == [1, 0]
    assert parse_stream_mapping("") == []
    assert parse_stream_mapping("\n  Stream #0:1 -> #0:0 (copy)\n") == []
    false = RUN.replace("partial file", "\nStream mapping:\n  Stream #0:7 -> #0:0 (copy)")
    assert parse_stream_mapping(false) == [1, 0]


def test_a_files_own_words_are_no_complaints() -> None:
    said = complaints(RUN)
    assert "partial file" not in said
    assert "File ended prematurely" in said


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x1c"])
def test_a_tag_goes_on_when_ffmpeg_knows_nothing_of_its_line_separator(separator: str) -> None:
    title = f"a{separator}partial file{separator}    Stream #0:7: Video: h264, yuv420p, 9x9"
    text = RUN.replace("partial file", title)
    assert "partial file" not in complaints(text)
    assert parse_stream_dump(text) == parse_stream_dump(RUN)
