"""Twelve inputs, all presets: every pair ends as the table in docs/media.md says.

Each output was verified by the worker itself before it is looked at here; the
short test takes two columns of the table, the slow one all of it. (That every
preset is made of one input through all processes is tested in acceptance.)
"""

from pathlib import Path

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.media_info import StreamKind
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.recipe import Preset, PresetKind
from tests.unit.media_worker.media_clips import Bench, probe_clip
from tests.unit.media_worker.media_inputs import (
    INPUTS,
    SECONDS,
    WITHOUT_PICTURE,
    WITHOUT_SOUND,
    missing_stream,
)

# A block of sound, or two frames of the slowest input.
TOLERANCE_SECONDS = {"silent.gif": 0.21, "variable-rate.mkv": 0.25}
USUAL_TOLERANCE_SECONDS = 0.13
QUICK = [*((name, "mp4-h264") for name in INPUTS), *((name, "opus") for name in INPUTS)]
ALL = [(name, preset) for name in INPUTS for preset in PRESETS]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The inputs made so far."""
    directory = tmp_path_factory.mktemp("inputs")
    return {name: make(directory / name) for name, make in INPUTS.items()}


def check_pair(bench: Bench, path: Path, preset: Preset) -> None:
    missing = missing_stream(path.name, preset)
    if missing:
        with pytest.raises(StepFailure) as failure:
            bench.transcode(path, preset.name)
        assert failure.value.reason is FailureReason.NO_SUCH_STREAM
        assert failure.value.metadata["stream"] == missing
        return
    result = bench.transcode(path, preset.name)
    assert result.outputs[0].media_type == preset.media_type
    assert list(bench.scratch.iterdir()) == []
    if preset.kind not in {PresetKind.VIDEO, PresetKind.AUDIO}:
        return
    with bench.output(result) as output:
        found = probe_clip(output)
    for kind, recipe in ((StreamKind.VIDEO, preset.video), (StreamKind.AUDIO, preset.audio)):
        stream = found.best(kind)
        has = recipe is not None and path.name not in (
            WITHOUT_PICTURE if kind is StreamKind.VIDEO else WITHOUT_SOUND
        )
        assert (stream.codec if stream else None) == (recipe.codec if has and recipe else None)
    tolerance = TOLERANCE_SECONDS.get(path.name, USUAL_TOLERANCE_SECONDS)
    assert found.duration_seconds == pytest.approx(SECONDS, abs=tolerance)


@pytest.mark.parametrize(("name", "preset"), QUICK)
def test_input_becomes_what_the_preset_promises_in_two_columns(
    tmp_path: Path, inputs: dict[str, Path], name: str, preset: str
) -> None:
    check_pair(Bench(tmp_path / "bench"), inputs[name], PRESETS[preset])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "preset"), [pair for pair in ALL if pair not in QUICK])
def test_input_becomes_what_the_preset_promises_in_the_rest_of_the_table(
    tmp_path: Path, inputs: dict[str, Path], name: str, preset: str
) -> None:
    check_pair(Bench(tmp_path / "bench"), inputs[name], PRESETS[preset])
