"""Comparing an output with its promise: each rule refuses what breaks it."""

from dataclasses import replace

import pytest

from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.media_info import MediaInfo, PacketSpan, StreamInfo, StreamKind
from media_worker.ffmpeg.window import Window
from media_worker.presets.catalogue import PRESETS
from media_worker.verification import compare_output

MP4, MP3 = PRESETS["mp4-h264"], PRESETS["mp3"]


def span(
    start: float, end: float, packet_seconds: float, *, hole_seconds: float = 0.0
) -> PacketSpan:
    return PacketSpan(
        packet_count=round((end - start - hole_seconds) / packet_seconds),
        corrupt_count=0,
        start_seconds=start,
        last_start_seconds=end - packet_seconds,
        end_seconds=end,
        longest_packet_seconds=packet_seconds,
        hole_seconds=hole_seconds,
    )


def video(start: float = 0.0, end: float = 10.0, codec: str = "h264") -> StreamInfo:
    return StreamInfo(0, StreamKind.VIDEO, codec, span=span(start, end, 0.04))


def audio(start: float = 0.0, end: float = 10.0, codec: str = "aac") -> StreamInfo:
    return StreamInfo(1, StreamKind.AUDIO, codec, span=span(start, end, 0.02))


def mp4(*streams: StreamInfo) -> MediaInfo:
    return MediaInfo(("mov", "mp4"), 10.0, streams)


def failed_check(
    output: MediaInfo,
    *,
    source_video: StreamInfo | None = None,
    source_audio: StreamInfo | None = None,
    frames: int = 250,
    preset: str = "mp4-h264",
) -> str | None:
    try:
        compare_output(
            output,
            PRESETS[preset],
            source_video=source_video,
            source_audio=source_audio,
            frames_encoded=frames,
        )
    except StepFailure as failure:
        return f"{failure.reason}: {failure.metadata['check']}"
    return None


def test_output_passes_when_it_is_as_promised() -> None:
    made = mp4(video(), audio())
    source_video, source_audio = video(codec="vp9"), audio(codec="opus")
    assert failed_check(made, source_video=source_video, source_audio=source_audio) is None
    assert failed_check(mp4(video()), source_video=video()) is None


def test_lengths_may_differ_when_they_do_in_the_source() -> None:
    assert (
        failed_check(
            mp4(video(), audio(0.6, 4.0)), source_video=video(), source_audio=audio(0.6, 4.0)
        )
        is None
    )


@pytest.mark.parametrize(
    ("output", "frames", "check"),
    [
        (MediaInfo(("matroska",), 10.0, (video(), audio())), 250, "container"),
        (mp4(audio()), 250, "video_streams"),
        (mp4(video(), video(), audio()), 250, "video_streams"),
        (mp4(video()), 250, "audio_streams"),
        (mp4(video(codec="hevc"), audio()), 250, "video_codec"),
        (mp4(video(), audio(codec="mp3")), 250, "audio_codec"),
        (mp4(video(), audio()), 251, "video_frames"),
        (mp4(video(end=9.9), audio()), 248, "video_duration"),
        (mp4(video(), audio(end=9.9)), 250, "audio_duration"),
        (mp4(video(), audio(0.2, 10.2)), 250, "audio_video_offset"),
        (mp4(replace(video(), span=None), audio()), 250, "video_empty"),
    ],
)
def test_output_is_refused_when_a_rule_is_broken(
    output: MediaInfo, frames: int, check: str
) -> None:
    found = failed_check(output, source_video=video(), source_audio=audio(), frames=frames)
    assert found == f"OUTPUT_INVALID: {check}"


def test_pause_is_filled_when_the_container_has_no_times() -> None:
    source = replace(audio(), span=span(3.0, 10.0, 0.02, hole_seconds=2.0))
    made = MediaInfo(("mp3",), 10.0, (audio(0.0, 10.0, codec="mp3"),))
    assert failed_check(made, source_audio=source, preset="mp3") is None
    closed_up = MediaInfo(("mp3",), 5.0, (audio(0.0, 5.0, codec="mp3"),))
    assert failed_check(closed_up, source_audio=source, preset="mp3") == (
        "OUTPUT_INVALID: audio_duration"
    )


def test_only_the_window_is_expected_when_there_is_one() -> None:
    window = Window(2.0, 5.0)
    cut = mp4(video(end=3.0), audio(end=3.0))
    found = {"source_video": video(), "source_audio": audio()}
    compare_output(cut, MP4, frames_encoded=75, window=window, **found)
    with pytest.raises(StepFailure):
        compare_output(mp4(video(), audio()), MP4, frames_encoded=250, window=window, **found)
