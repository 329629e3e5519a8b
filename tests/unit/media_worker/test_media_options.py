"""Options: what a preset takes, and what becomes of it."""

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from babelmill.media.v1.media_pb2 import TranscodeOptions
from media_worker.presets.announcement import announced_presets
from media_worker.presets.arguments import audio_arguments, fit, stream_arguments
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.options import Options, allowed_options, read_options
from media_worker.presets.recipe import QualityScale


def test_names_are_those_of_the_contract_when_announced() -> None:
    known = set(TranscodeOptions.DESCRIPTOR.fields_by_name)
    taken = {option.name for preset in announced_presets() for option in preset.options}
    assert taken == known == set(Options.__dataclass_fields__)


def test_bounds_are_sane_when_announced() -> None:
    for preset in PRESETS.values():
        for option in allowed_options(preset):
            assert option.minimum <= option.maximum
            assert all(option.minimum <= choice <= option.maximum for choice in option.choices)


def test_options_are_read_when_they_are_within_bounds() -> None:
    given = TranscodeOptions(max_width=320, start_seconds=1.5, without_audio=True)
    read = read_options(given, PRESETS["mp4-h264"])
    assert read == Options(max_width=320, start_seconds=1.5, without_audio=True)
    assert read_options(TranscodeOptions(heights=[480, 240]), PRESETS["hls"]).heights == (480, 240)


@pytest.mark.parametrize(
    ("preset", "given", "option"),
    [
        ("mp3", TranscodeOptions(max_width=320), "max_width"),
        ("gif", TranscodeOptions(without_audio=True), "without_audio"),
        ("mp4-h264", TranscodeOptions(max_width=-2), "max_width"),
        ("mp4-h264", TranscodeOptions(frame_rate=float("nan")), "frame_rate"),
        ("mp4-h264", TranscodeOptions(quality=50, video_bitrate_kbps=100), "quality"),
        ("hls", TranscodeOptions(heights=[480, 0]), "heights"),
        ("flac", TranscodeOptions(channels=6), "channels"),
    ],
)
def test_option_is_refused_when_the_preset_does_not_allow_it(
    preset: str, given: TranscodeOptions, option: str
) -> None:
    with pytest.raises(StepFailure) as failure:
        read_options(given, PRESETS[preset])
    assert failure.value.reason is FailureReason.UNSUPPORTED_OPTION
    assert failure.value.metadata["option"] == option


def test_quality_is_laid_on_the_encoders_scale() -> None:
    scale = QualityScale("-crf", 38, 14, 22)
    assert scale.arguments(0) == ("-crf", "22")
    assert scale.arguments(1) == ("-crf", "38")
    assert scale.arguments(100) == ("-crf", "14")


def test_bit_rate_takes_the_place_of_quality_when_given() -> None:
    preset = PRESETS["mp4-h264"]
    options = Options(video_bitrate_kbps=1000, audio_bitrate_kbps=64)
    made = stream_arguments(preset, options, video=True, audio=True, threads=1)
    assert "-crf" not in made
    assert made[made.index("-b:v") + 1] == "1000k"
    assert made[made.index("-b:a") + 1] == "64k"
    assert "-maxrate" not in stream_arguments(
        PRESETS["mp4-av1"], options, video=True, audio=False, threads=1
    )


def test_picture_fits_both_bounds_when_both_are_given() -> None:
    assert "min(720*a,min(1280,iw))" in fit(1280, 720)
    assert fit(0, 0).startswith("scale=w='max(2,trunc(iw/2)*2)'")


def test_sound_filters_stand_in_their_order() -> None:
    recipe = PRESETS["opus"].audio
    assert recipe is not None
    made = audio_arguments(recipe, Options(), fills_silence=True, gain_db=3.0)
    filters = made[made.index("-af") + 1].split(",")
    assert [each.partition("=")[0] for each in filters] == [
        "aresample",
        "volume",
        "alimiter",
        "aformat",
    ]
