"""Options of a transcode on their way through the job service."""

import pytest

from babelmill.media.v1.media_pb2 import PRESET_KIND_IMAGE, Preset, PresetOption, TranscodeOptions
from job_service.api.transcode_messages import (
    read_options,
    read_preset,
    write_options,
    write_preset,
)
from job_service.api.validation import Violations
from job_service.domain.errors import InvalidRequest
from job_service.domain.transcode_options import TranscodeOptions as Options


def test_options_come_out_as_they_came_in() -> None:
    given = TranscodeOptions(
        max_width=640, frame_rate=12.5, heights=[720, 480], without_audio=True, loudness_lufs=-16
    )
    read = read_options(given, Violations(), "options")
    assert write_options(read) == given
    # Numbers that have gone through JSON are floating point numbers, or whole ones.
    stored = Options.read({name: [float(each) for each in v] for name, v in read.values.items()})
    assert write_options(stored) == given
    assert write_options(read_options(TranscodeOptions(), Violations(), "options")) is None


def test_option_of_a_newer_service_is_left_out_when_written() -> None:
    written = write_options(Options({"max_width": (8,), "from_the_future": (1,)}))
    assert written == TranscodeOptions(max_width=8)


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        (TranscodeOptions(frame_rate=float("inf")), "options.frame_rate", "INVALID"),
        (TranscodeOptions(heights=[100] * 17), "options.heights", "INVALID"),
        (
            TranscodeOptions(quality=5, audio_bitrate_kbps=64),
            "options.audio_bitrate_kbps",
            "CONFLICT",
        ),
    ],
)
def test_option_is_refused_when_it_makes_no_sense(
    given: TranscodeOptions, field: str, reason: str
) -> None:
    violations = Violations()
    read_options(given, violations, "options")
    with pytest.raises(InvalidRequest) as refusal:
        violations.raise_if_any()
    ((found, _, found_reason),) = [
        (violation.field, violation.description, violation.reason)
        for violation in refusal.value.violations
    ]
    assert (found, found_reason) == (field, reason)


def test_preset_comes_out_as_it_was_announced() -> None:
    announced = Preset(
        name="poster",
        kind=PRESET_KIND_IMAGE,
        description="A picture.",
        file_extension="jpg",
        media_type="image/jpeg",
        video_codec="mjpeg",
        needs_video=True,
        options=[PresetOption(name="quality", minimum=1, maximum=100, choices=[1, 50])],
    )
    assert write_preset(read_preset(announced, "presets[0]", Violations())) == announced


def test_preset_of_an_unknown_kind_is_refused() -> None:
    violations = Violations()
    announced = Preset(name="x", file_extension="x", media_type="a/b")
    announced.kind = 99  # type: ignore[assignment]  # as a newer worker would
    read_preset(announced, "presets[0]", violations)
    with pytest.raises(InvalidRequest):
        violations.raise_if_any()
