"""`--set NAME=VALUE` of `babelmill transcode`."""

import pytest
import typer

from babelmill.cli.transcode_options import parse_settings
from babelmill.media.v1.media_pb2 import TranscodeOptions


def test_settings_become_options_when_they_are_right() -> None:
    given = ["max-width=640", "frame_rate=12.5", "heights=720, 480", "without_audio=yes"]
    assert parse_settings(given) == TranscodeOptions(
        max_width=640, frame_rate=12.5, heights=[720, 480], without_audio=True
    )
    assert parse_settings(None) is None


@pytest.mark.parametrize(
    "setting",
    [
        "max_width",
        "width=5",
        "max_width=wide",
        "max_width=1.5",
        "max_width=1,2",
        "max_width=99999999999",
        "max_width=nan",
        "heights=720,x",
    ],
)
def test_setting_is_refused_when_it_is_wrong(setting: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_settings([setting])
