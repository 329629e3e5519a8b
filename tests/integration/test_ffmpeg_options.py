"""Options through the real handler and ffmpeg: what comes out is what was chosen."""

import json
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from babelmill.media.v1.media_pb2 import TranscodeOptions
from media_worker.ffmpeg.media_info import StreamKind
from tests.unit.media_worker.media_clips import FFMPEG, Bench, make_clip, picture, probe_clip, sound

# Each picture is one grey: four times its number.
NUMBERED = ["-f", "lavfi", "-i", "nullsrc=s=64x64:r=25:d=2,geq=lum='N*4':cb=128:cr=128"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench")


def greys(path: Path) -> list[int]:
    """Tell which of the numbered pictures a file has, by their middles."""
    size = ["-vf", "crop=2:2:30:30", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough"]
    raw = decoded(path, [*size, "-f", "rawvideo"])
    # Four bytes of brightness, then one of each colour.
    return [round(raw[index] / 4) for index in range(0, len(raw), 6)]


def decoded(path: Path, arguments: Sequence[str]) -> bytes:
    command = [str(FFMPEG), "-nostdin", "-v", "error", "-i", str(path), *arguments, "-"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "avi"])
def test_window_begins_and_ends_with_the_right_frame(
    bench: Bench, tmp_path: Path, container: str
) -> None:
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "50", "-crf", "4"]
    path = make_clip(tmp_path / f"numbered.{container}", *NUMBERED, *codec)
    options = TranscodeOptions(start_seconds=0.8, duration_seconds=0.4, quality=100)
    with bench.output(bench.transcode(path, "mp4-h264", options=options)) as output:
        assert greys(output) == list(range(20, 30))


def test_every_other_frame_is_left_when_the_rate_is_halved(bench: Bench, tmp_path: Path) -> None:
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "4"]
    path = make_clip(tmp_path / "numbered.mkv", *NUMBERED, *codec)
    options = TranscodeOptions(frame_rate=12.5, duration_seconds=0.8)
    with bench.output(bench.transcode(path, "mp4-h264", options=options)) as output:
        shown = greys(output)
    assert len(shown) == 10
    assert {later - earlier for earlier, later in pairwise(shown)} == {2}


def test_sound_stays_where_it_was_when_it_starts_late(bench: Bench, tmp_path: Path) -> None:
    late = ["-itsoffset", "0.5", "-f", "lavfi", "-t", "1", "-i", "sine"]
    path = make_clip(tmp_path / "late.mkv", *picture(1.5), *late, "-c:a", "pcm_s16le")
    with bench.output(bench.transcode(path, "wav")) as output:
        samples = decoded(output, ["-f", "s16le", "-ar", "8000", "-ac", "1"])
    assert len(samples) / 16_000 == pytest.approx(1.5, abs=0.01)
    assert not any(samples[: int(16_000 * 0.48)])
    assert any(samples[int(16_000 * 0.52) : int(16_000 * 0.6)])


def test_sound_is_as_loud_as_asked(bench: Bench, tmp_path: Path) -> None:
    quiet = make_clip(tmp_path / "quiet.flac", *sound(4), "-af", "volume=-20dB")
    louder = bench.transcode(quiet, "wav", options=TranscodeOptions(loudness_lufs=-18))
    with bench.output(louder) as output:
        measured = Bench(tmp_path / "second").transcode(output, "loudness").outputs[0].inline
    assert measured is not None
    report = json.loads(measured)
    assert report["integrated_lufs"] == pytest.approx(-18, abs=0.5)
    assert report["true_peak_dbtp"] <= -0.5


def test_silence_stays_silent_when_it_should_be_loud(bench: Bench, tmp_path: Path) -> None:
    silence = make_clip(tmp_path / "silence.wav", "-f", "lavfi", "-t", "1", "-i", "anullsrc")
    with bench.output(
        bench.transcode(silence, "flac", options=TranscodeOptions(loudness_lufs=-18))
    ) as output:
        assert not any(decoded(output, ["-f", "s16le"]))
    report = Bench(tmp_path / "second").transcode(silence, "loudness").outputs[0].inline
    assert report is not None
    assert json.loads(report)["integrated_lufs"] is None


def test_pace_is_told_when_pictures_are_encoded(bench: Bench, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "long.mkv", *picture(12, "640x360"), "-c:v", "mpeg4")
    bench.transcode(path, "mp4-h264")
    assert any(pace.frames_per_second for pace in bench.progress.paces)
    assert any(pace.speed for pace in bench.progress.paces)


def test_part_behind_the_end_is_refused(bench: Bench, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "short.mkv", *picture(1), "-c:v", "mpeg4")
    with pytest.raises(StepFailure) as failure:
        bench.transcode(path, "mp4-h264", options=TranscodeOptions(start_seconds=2))
    assert failure.value.reason is FailureReason.UNSUPPORTED_OPTION


def test_pictures_hours_apart_are_refused_when_each_must_last_as_long(
    bench: Bench, tmp_path: Path
) -> None:
    apart = ["-vf", "setpts=N*36000/TB", "-fps_mode", "passthrough", "-c:v", "mjpeg"]
    path = make_clip(tmp_path / "gap.mkv", *picture(0.08), *apart)
    with pytest.raises(StepFailure) as failure:
        bench.transcode(path, "avi-mpeg4", max_duration_seconds=100_000.0)
    assert failure.value.metadata["verdict"] == "TIMESTAMP_GAP"
    with pytest.raises(StepFailure):
        bench.transcode(
            path,
            "mp4-h264",
            options=TranscodeOptions(frame_rate=30),
            max_duration_seconds=100_000.0,
        )


def test_picture_is_bounded_by_width_and_height(bench: Bench, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "wide.mkv", *picture(0.4, "640x360"), "-c:v", "mpeg4")
    options = TranscodeOptions(max_width=500, max_height=101)
    with bench.output(bench.transcode(path, "webm-vp9", options=options)) as output:
        video = probe_clip(output).best(StreamKind.VIDEO)
    assert video is not None
    assert (video.width, video.height) == (178, 100)


def one_picture(path: Path) -> Path:
    return make_clip(path, *picture(0.6, "64x48"), "-frames:v", "1", "-c:v", "ffv1")


def late_picture(path: Path) -> Path:
    late = ["-itsoffset", "0.5", *picture(0.6, "64x48")]
    return make_clip(path, *late, *sound(1.1), "-c:v", "mpeg4", "-c:a", "flac")


def tiny(path: Path) -> Path:
    return make_clip(path, *picture(0.6, "2x2"), "-c:v", "ffv1")


@pytest.mark.parametrize(
    ("make", "preset"),
    [
        (one_picture, "gif"),
        (one_picture, "poster"),
        (late_picture, "gif"),
        (late_picture, "avi-mpeg4"),
        (late_picture, "hls"),
        (tiny, "sprite"),
        (tiny, "hls"),
    ],
)
def test_odd_input_becomes_what_the_preset_promises(
    bench: Bench, tmp_path: Path, make: Callable[[Path], Path], preset: str
) -> None:
    path = make(tmp_path / "odd.mkv")
    assert bench.transcode(path, preset).outputs


def test_package_is_refused_when_it_would_have_no_segment(bench: Bench, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "short.mkv", *picture(0.3, "64x48"), "-c:v", "mpeg4")
    with pytest.raises(StepFailure) as failure:
        bench.transcode(path, "hls")
    assert failure.value.metadata["verdict"] == "TOO_SHORT"
