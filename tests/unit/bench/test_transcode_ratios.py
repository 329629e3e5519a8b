"""What the transcoding benchmark makes of its rounds: each ratio the right way up."""

import sys
from pathlib import Path

import pytest

from bench.encoding_contestants import Bare, Encoding
from bench.transcode import TARGETS, Samples


def test_ratios_say_who_was_slower_when_rounds_are_divided() -> None:
    samples = Samples(
        ours=[Encoding(wall_seconds=11, peak_rss_bytes=100, cpu_seconds=20)],
        bare=[Encoding(wall_seconds=10, peak_rss_bytes=80, cpu_seconds=19)],
        own_cpu_seconds=[0.2],
        our_small_seconds=[5.0],
        bare_small_seconds=[4.0],
    )
    found = {what: ratio.median for what, ratio in samples.ratios().items()}
    assert found == pytest.approx(
        {
            "wall time, one job": 1.1,
            "peak memory, one job": 1.25,
            "own CPU of ffmpeg's": 0.01,
            # Slower by a quarter, so four fifths as many.
            "small jobs a second, two slots": 0.8,
        }
    )
    assert found.keys() == TARGETS.keys()


def test_command_is_measured_by_the_kernel_when_it_runs_bare(tmp_path: Path) -> None:
    script = "import os; b'x' * (64 << 20); assert os.path.exists('input')"
    bare = Bare([sys.executable, "-c", script, "pipe:3"], tmp_path / "bare")
    clip = tmp_path / "clip"
    clip.touch()
    encoding = bare.encode(clip)
    assert encoding.peak_rss_bytes > 64 << 20
    assert encoding.cpu_seconds > 0
    assert (tmp_path / "bare" / "0" / "input").readlink() == clip
