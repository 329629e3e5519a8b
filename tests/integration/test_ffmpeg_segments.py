"""Videos of many shapes in segments: no frame lost, doubled, or shown at another time."""

from dataclasses import replace
from pathlib import Path

import pytest

from babelmill.kit.worker.handler import StepFailure
from babelmill.media.v1 import media_pb2
from media_worker.ffmpeg.media_info import MediaInfo, StreamKind
from media_worker.presets.catalogue import PRESETS
from media_worker.presets.in_segments import takes_segments
from media_worker.presets.recipe import QualityScale
from media_worker.segments import recipes
from media_worker.segments.plan_file import FILENAME
from tests.unit.media_worker.media_clips import (
    Bench,
    make_clip,
    picture,
    probe_clip,
    sound,
)
from tests.unit.media_worker.segment_runs import SegmentRun, frames

LOSSLESS = "mp4-lossless"
SECONDS = 3
SELDOM = {"mpeg2.ts", "silent.mov"}
EVERY_TIME = {"mp4-hevc", "mov-h264", "webm-av1"}
AAC = ("-c:a", "aac")
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")

SOURCES: dict[str, tuple[str, ...]] = {
    "closed.mp4": (*X264, "-bf", "2", "-g", "20", "-flags", "+cgop", *AAC),
    "open.mp4": (*X264, "-g", "20", "-x264-params", "open-gop=1", *AAC),
    # Every seventh frame is missing, so no two distances need be the same.
    "uneven.mkv": ("-vf", "select='mod(n,7)'", "-fps_mode", "passthrough", *X264, "-g", "20",
                   *AAC),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-b:v", "200k", "-g", "20",
                 "-c:a", "libopus"),
    "hevc.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
                 "open-gop=1:keyint=20:log-level=none", "-pix_fmt", "yuv420p", *AAC),
    "h264.ts": (*X264, "-g", "20", "-muxdelay", "1.4", *AAC),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-c:a", "mp2"),
    "silent.mov": (*X264, "-g", "20", "-an"),
}  # fmt: skip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sources, and two that are made of them."""
    folder = tmp_path_factory.mktemp("clips")
    for name, arguments in SOURCES.items():
        make_clip(folder / name, *picture(SECONDS, "160x120"), *sound(SECONDS), *arguments)
    closed = str(folder / "closed.mp4")
    # Begins between key pictures: what comes before is in the file, and not to be shown.
    make_clip(folder / "edited.mp4", "-ss", "0.5", "-i", closed, "-c", "copy")
    make_clip(
        folder / "late.mkv",
        *("-i", closed, "-itsoffset", "0.591", "-i", closed),
        *("-map", "0:v", "-map", "1:a", "-c", "copy"),
    )
    return folder


@pytest.fixture
def lossless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset whose pictures come out as they went in."""
    usual = PRESETS["mp4-h264"]
    assert usual.video is not None
    exact = replace(
        usual.video, fixed=("-preset", "ultrafast"), quality=QualityScale("-qp", 0, 0, 0)
    )
    monkeypatch.setattr(recipes, "PRESETS", {LOSSLESS: replace(usual, name=LOSSLESS, video=exact)})


@pytest.mark.usefixtures("lossless")
@pytest.mark.parametrize(
    "name",
    [
        *(
            pytest.param(name, marks=[pytest.mark.slow] if name in SELDOM else [])
            for name in SOURCES
        ),
        "edited.mp4",
        "late.mkv",
    ],
)
def test_every_frame_is_there_at_its_time_when_a_video_is_joined(
    name: str, clips: Path, tmp_path: Path
) -> None:
    source = clips / name
    run = SegmentRun(tmp_path, source, LOSSLESS)
    result = run.whole()

    assert run.count == 3 if name != "edited.mp4" else run.count >= 2
    (output,) = result.outputs
    assert output.filename == f"{source.stem}.mp4"
    with run.file(output) as path:
        found, made = frames(path), probe_clip(path)
    expected = frames(source)
    assert [digest for _, digest in found] == [digest for _, digest in expected]
    drifts = [
        abs((there - found[0][0]) - (here - expected[0][0]))
        for (there, _), (here, _) in zip(found, expected, strict=True)
    ]
    assert float(max(drifts)) <= 0.001
    assert offset_of_sound(made) == pytest.approx(offset_of_sound(probe_clip(source)), abs=0.05)


def offset_of_sound(info: MediaInfo) -> float:
    """How much later than the picture the sound begins; 0 where there is none."""
    video, audio = info.best(StreamKind.VIDEO), info.best(StreamKind.AUDIO)
    assert video is not None
    assert video.span is not None
    if audio is None:
        return 0.0
    assert audio.span is not None
    return audio.span.start_seconds - video.span.start_seconds


@pytest.mark.parametrize(
    "preset",
    [
        pytest.param(name, marks=[] if name in EVERY_TIME else [pytest.mark.slow])
        for name, preset in sorted(PRESETS.items())
        if takes_segments(preset)
    ],
)
def test_output_is_what_the_preset_promises_when_made_in_segments(
    preset: str, clips: Path, tmp_path: Path
) -> None:
    options = media_pb2.TranscodeOptions(max_width=96, channels=1, loudness_lufs=-20)
    run = SegmentRun(tmp_path, clips / "closed.mp4", preset, options, length_seconds=1.5)
    result = run.whole()

    with run.file(result.outputs[0]) as path:
        info = probe_clip(path)
    video, audio = info.best(StreamKind.VIDEO), info.best(StreamKind.AUDIO)
    assert video is not None
    assert audio is not None
    assert video.span is not None
    assert (video.width, video.height, video.span.packet_count) == (96, 72, 75)
    assert audio.channels == 1
    promised = PRESETS[preset]
    assert promised.video is not None
    assert promised.audio is not None
    assert (video.codec, audio.codec) == (promised.video.codec, promised.audio.codec)


def test_result_is_the_same_to_the_byte_when_a_segment_is_encoded_again(
    clips: Path, tmp_path: Path
) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "webm-vp9")
    run.split()
    first = [run.encode(number) for number in (1, 2, 3)]
    # Another worker, with more threads to give: those of the plan count.
    run.threads = 2
    again = run.encode(2)
    assert again.sha256 == first[1].sha256
    joined = run.join(first).outputs[0]
    assert run.join([first[0], again, first[2]]).outputs[0].sha256 == joined.sha256


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        # One key picture: each segment would be decoded from the beginning.
        ("rare.mp4", (*X264, "-g", "9999")),
        # Old containers do not say when a frame is shown.
        ("old.avi", ("-c:v", "mpeg4", "-bf", "2")),
        # Some pictures of this codec are never shown.
        ("vp8.webm", ("-c:v", "libvpx", "-cpu-used", "8", "-b:v", "200k")),
    ],
)
def test_video_is_left_in_one_piece_when_it_cannot_be_cut_well(
    name: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / name, *picture(6, "160x120"), *arguments)
    run = SegmentRun(tmp_path, clip, "mp4-h264")
    result = run.split()
    assert run.count == 1
    assert result.outputs == ()
    assert result.split is not None
    assert result.split.segments[0].seconds == pytest.approx(6, abs=0.1)


def test_video_is_left_in_one_piece_when_it_is_too_short_to_pay(
    clips: Path, tmp_path: Path
) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "mp4-h264", from_seconds=60)
    result = run.split()
    assert run.count == 1
    assert result.split is not None
    # Only its header was read.
    assert result.split.segments[0].frames == 0
    assert result.split.segments[0].seconds == pytest.approx(SECONDS, abs=0.1)


def test_progress_counts_each_segment_once_when_they_are_encoded(
    clips: Path, tmp_path: Path
) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "mp4-h264")
    result = run.split()
    assert result.split is not None
    segments = result.split.segments
    assert sum(segment.frames for segment in segments) == 75
    assert sum(segment.seconds for segment in segments) == pytest.approx(SECONDS, abs=0.001)
    run.progress.reports.clear()
    run.encode(2)
    done = [report[1] for report in run.progress.reports]
    assert done == sorted(done)
    assert run.progress.reports[-1][1:3] == (segments[1].seconds, segments[1].seconds)


def test_segment_is_refused_when_it_is_not_in_the_plan(clips: Path, tmp_path: Path) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "mp4-h264")
    result = run.split()
    assert [output.filename for output in result.outputs] == [FILENAME]
    with pytest.raises(StepFailure, match="INPUT_DAMAGED"):
        run.encode(4)


def test_plan_is_refused_when_it_is_another_file(clips: Path, tmp_path: Path) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "mp4-h264")
    run.split()
    run.plan = run.input
    with pytest.raises(StepFailure, match="INPUT_DAMAGED"):
        run.encode(1)


def test_as_many_segments_are_joined_as_a_job_may_have(tmp_path: Path) -> None:
    # All of one length and the same picture, so one that is encoded stands for all.
    clip = make_clip(
        tmp_path / "still.mp4",
        *("-f", "lavfi", "-t", "200", "-i", "color=size=64x48:rate=2", *X264, "-g", "2"),
    )
    run = SegmentRun(tmp_path, clip, "mp4-h264", max_segments=200)
    run.split()
    assert run.count == 200
    result = run.join([run.encode(1)] * 200)
    with run.file(result.outputs[0]) as path:
        video = probe_clip(path).best(StreamKind.VIDEO)
    assert video is not None
    assert video.span is not None
    assert video.span.packet_count == 400
    assert video.span.seconds == pytest.approx(200, abs=0.01)


def test_source_is_refused_when_it_has_another_size_than_when_it_was_cut(
    clips: Path, tmp_path: Path
) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "mp4-h264")
    run.split()
    with run.store.local_path("input/1") as path:
        path.chmod(0o600)
        with path.open("ab") as file:
            file.write(b"more")
    with pytest.raises(StepFailure, match="INPUT_DAMAGED"):
        run.encode(1)


def test_join_is_refused_when_a_segment_is_missing(clips: Path, tmp_path: Path) -> None:
    run = SegmentRun(tmp_path, clips / "closed.mp4", "mp4-h264")
    run.split()
    with pytest.raises(StepFailure, match="INPUT_MISSING"):
        run.join([run.encode(1)])


def test_sound_is_as_in_one_piece_when_a_video_is_joined(clips: Path, tmp_path: Path) -> None:
    late = clips / "late.mkv"
    run = SegmentRun(tmp_path, late, "mkv-h264")
    result = run.whole()
    bench = Bench(tmp_path / "bench")
    single = bench.transcode(late, "mkv-h264")
    with run.file(result.outputs[0]) as joined, bench.output(single) as whole:
        here, there = probe_clip(joined), probe_clip(whole)
    assert offset_of_sound(here) == pytest.approx(offset_of_sound(there), abs=0.001)
    assert offset_of_sound(here) == pytest.approx(0.591, abs=0.03)
