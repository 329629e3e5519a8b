"""The catalogue and the names of outputs."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_worker.presets.arguments import stream_arguments
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.naming import output_filename
from media_worker.presets.options import Options
from media_worker.presets.recipe import PresetKind


def test_rows_are_consistent_when_the_catalogue_is_read() -> None:
    assert {"mp4-h264", "mp3"} <= set(PRESETS)
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert preset.description.endswith(".")
        assert "/" in preset.media_type
        assert not preset.file_extension.startswith(".")
        if preset.kind is PresetKind.VIDEO:
            assert preset.video is not None
            assert preset.video.required
        if preset.kind is PresetKind.AUDIO:
            assert preset.video is None
            assert preset.audio is not None
            assert preset.audio.required


def test_arguments_leave_a_stream_out_when_it_is_not_there() -> None:
    preset = PRESETS["mp4-h264"]
    both = stream_arguments(preset, Options(), video=True, audio=True, threads=2)
    assert {"-c:v", "-c:a"} <= set(both)
    silent = stream_arguments(preset, Options(), video=True, audio=False, threads=2)
    assert "-c:a" not in silent
    assert silent[-2:] == ("-movflags", "+faststart")


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("holiday.mov", "holiday.mp4"),
        ("holiday", "holiday.mp4"),
        ("a.b.c.mkv", "a.b.c.mp4"),
        ("-i.mp4", "i.mp4"),
        ("a%03d.png", "a_03d.mp4"),
        ("x'y\"z`.mov", "x'y_z_.mp4"),
        ("../../etc/passwd", "passwd.mp4"),
        ("C:\\films\\one.avi", "one.mp4"),
        ("Überraschung für São Paulo.mkv", "Überraschung für São Paulo.mp4"),
        ("映画.mkv", "映画.mp4"),
        ("evil\u202e4pm.exe", "evil4pm.mp4"),
        ("line\nbreak.mov", "linebreak.mp4"),
        ("", "output.mp4"),
        ("...", "output.mp4"),
        ("/", "output.mp4"),
    ],
)
def test_output_is_named_after_its_input_when_given(given_name: str, expected: str) -> None:
    assert output_filename(given_name, PRESETS["mp4-h264"]) == expected


@given(st.text(max_size=300))
def test_name_is_safe_when_the_input_has_any(name: str) -> None:
    result = output_filename(name, PRESETS["mp3"])
    assert result.endswith(".mp3")
    assert len(result) <= 90
    assert result[0] not in ".-"
    assert not set(result) & set('/\\<>:"|?*\0%')
    assert not any(unicodedata.category(c).startswith("C") for c in result)
