"""Options of a transcode against what a preset takes."""

import pytest

from job_service.domain.catalog import Preset, PresetKind, WorkerAnnouncement
from job_service.domain.errors import InvalidRequest
from job_service.domain.ids import uuid7
from job_service.domain.offer import check_offered, merge
from job_service.domain.spec import Transcode
from job_service.domain.transcode_options import PresetOption, TranscodeOptions, violations_of
from job_service.storage.preset_forms import first_forms, full_forms, read_presets
from tests.unit.job_service.domain.jobs_to_test import NOON

TAKEN = (
    PresetOption("quality", 1, 100),
    PresetOption("channels", 1, 2, (1, 2)),
    PresetOption("heights", 16, 4320),
)
PRESET = Preset("mp4-h264", PresetKind.VIDEO, file_extension="mp4", options=TAKEN)


def reasons(**values: tuple[float, ...]) -> list[tuple[str, str]]:
    found = violations_of(TranscodeOptions(values), TAKEN, "mp4-h264", "options.")
    return [(violation.field, violation.reason) for violation in found]


def test_options_pass_when_they_are_within_bounds() -> None:
    assert reasons(quality=(1,), channels=(2,), heights=(16, 4320)) == []
    assert reasons() == []


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"quality": (0.5,)}, "options.quality", "OPTION_OUT_OF_RANGE"),
        ({"quality": (101,)}, "options.quality", "OPTION_OUT_OF_RANGE"),
        ({"channels": (1.5,)}, "options.channels", "OPTION_OUT_OF_RANGE"),
        ({"heights": (720, 15)}, "options.heights", "OPTION_OUT_OF_RANGE"),
        ({"frame_rate": (25,)}, "options.frame_rate", "OPTION_NOT_TAKEN"),
    ],
)
def test_option_is_refused_when_the_preset_does_not_allow_it(
    values: dict[str, tuple[float, ...]], field: str, reason: str
) -> None:
    assert reasons(**values) == [(field, reason)]


def test_job_is_refused_with_every_wrong_option_when_a_worker_has_announced() -> None:
    said = WorkerAnnouncement(
        "w", "media_worker", "1", step_kinds=("transcode",), presets=(PRESET,)
    )
    options = TranscodeOptions({"quality": (0,), "frame_rate": (25,)})
    spec = Transcode(artifact_id=uuid7(NOON), preset="mp4-h264", options=options)
    with pytest.raises(InvalidRequest) as refusal:
        check_offered(spec, merge([said]), "requests[1].")
    assert [violation.field for violation in refusal.value.violations] == [
        "requests[1].spec.transcode.options.frame_rate",
        "requests[1].spec.transcode.options.quality",
    ]
    check_offered(spec, merge([]))


def test_presets_are_the_same_when_stored_and_read() -> None:
    sheet = Preset("sprite", PresetKind.IMAGE, needs_video=True, video_codec="mjpeg")
    stored = {"presets": first_forms([PRESET, sheet]), "media_presets": full_forms([PRESET, sheet])}
    assert read_presets(stored) == (PRESET, sheet)


def test_presets_are_read_when_an_older_service_has_stored_them() -> None:
    (read,) = read_presets({"presets": first_forms([PRESET])})
    assert (read.name, read.kind, read.options) == ("mp4-h264", PresetKind.VIDEO, ())
