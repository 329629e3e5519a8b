"""What is planned for packages, sheets and reports, and what ffmpeg says of loudness."""

from array import array

import pytest

from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.loudness import Loudness, read_loudness
from media_worker.pipeline.package import bitrate_for, choose_rungs
from media_worker.pipeline.reports import Peaks
from media_worker.pipeline.stills import plan_sheet, sprite_vtt
from media_worker.presets.options import Options

SUMMARY = """Stream mapping:
[Parsed_ebur128_0 @ 0x5] Summary:

  Integrated loudness:
    I:         -21.2 LUFS
    Threshold: -31.2 LUFS

  Loudness range:
    LRA:        20.0 LU
    Threshold: -41.2 LUFS
    LRA low:   -41.2 LUFS
    LRA high:  -21.2 LUFS

  True peak:
    Peak:       -8.4 dBFS
"""


@pytest.mark.parametrize(
    ("heights", "source", "expected"),
    [
        ((), 2160, [1080, 720, 480, 360]),
        ((), 500, [480, 360]),
        ((), 121, [120]),
        ((240, 720, 240), 1080, [720, 240]),
        ((720,), 481, [480]),
    ],
)
def test_rungs_are_never_higher_than_the_input(
    heights: tuple[int, ...], source: int, expected: list[int]
) -> None:
    assert [rung.height for rung in choose_rungs(heights, source)] == expected


def test_bit_rate_grows_with_the_height() -> None:
    rates = [bitrate_for(height) for height in (16, 120, 240, 360, 480, 720, 1080, 1440, 2160)]
    assert rates == sorted(rates)
    assert bitrate_for(720) == 2800


def test_sheet_is_as_large_as_needed() -> None:
    short = plan_sheet(2.5, Options())
    assert (short.tiles, short.columns, short.rows, short.files) == (3, 3, 1, 1)
    long = plan_sheet(250.0, Options(interval_seconds=1.0))
    assert (long.tiles, long.columns, long.rows, long.files) == (250, 10, 10, 3)
    assert (long.width, long.height) == (160, 90)
    with pytest.raises(StepFailure):
        plan_sheet(3600.0, Options(interval_seconds=0.1))


def test_vtt_names_sheet_and_place_of_every_picture() -> None:
    text = sprite_vtt(plan_sheet(101.5, Options(interval_seconds=1.0)), 101.5)
    cues = text.split("\n\n")[1:]
    assert len(cues) == 102
    assert cues[0] == "00:00:00.000 --> 00:00:01.000\nsprite-001.jpg#xywh=0,0,160,90"
    assert cues[11] == "00:00:11.000 --> 00:00:12.000\nsprite-001.jpg#xywh=160,90,160,90"
    assert cues[101].strip() == "00:01:41.000 --> 00:01:41.500\nsprite-002.jpg#xywh=160,0,160,90"


def test_peaks_are_the_same_when_samples_arrive_in_pieces() -> None:
    data = array("h", [0, 256, -512, 32767, -32768, 5, 7]).tobytes()
    whole, pieces = Peaks(3), Peaks(3)
    whole.feed(data)
    for index in range(len(data)):
        pieces.feed(data[index : index + 1])
    whole.finish()
    pieces.finish()
    assert whole.values == pieces.values == [-2, 1, -128, 127, 0, 0]
    assert whole.samples == 7


def test_loudness_is_read_when_ffmpeg_tells_it() -> None:
    assert read_loudness(SUMMARY) == Loudness(-21.2, 20.0, -41.2, -21.2, -8.4)
    assert read_loudness("Stream mapping:\n") is None


def test_silence_has_no_loudness() -> None:
    text = SUMMARY.replace("I:         -21.2", "I:         -70.0").replace("-8.4", "-inf")
    found = read_loudness(text)
    assert found is not None
    assert (found.integrated_lufs, found.true_peak_dbtp) == (None, None)
