"""Both presets through the real handler, store and ffmpeg, on files of many shapes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from babelmill.jobs.v1 import progress_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.media_info import StreamKind
from tests.unit.media_worker.media_clips import (
    QUICK_VIDEO,
    Bench,
    make_clip,
    picture,
    probe_clip,
    sound,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def clip(clips: Path) -> Path:
    """Two seconds of picture and sound."""
    return make_clip(
        clips / "clip.mp4", *picture(2), *sound(2), *QUICK_VIDEO, "-c:a", "aac", "-shortest"
    )


def test_mp4_is_playable_and_measured_when_made(bench: Bench, clip: Path) -> None:
    result = bench.transcode(clip, "mp4-h264")

    with bench.output(result) as path:
        info = probe_clip(path)
        head = path.read_bytes()[:4096]
    video, audio = info.best(StreamKind.VIDEO), info.best(StreamKind.AUDIO)
    assert video is not None
    assert audio is not None
    assert (video.codec, video.width, video.height) == ("h264", 320, 240)
    assert video.span is not None
    assert video.span.packet_count == 50
    assert (audio.codec, audio.channels) == ("aac", 2)
    assert info.duration_seconds == pytest.approx(2, abs=0.06)
    # The index comes before the media.
    assert b"moov" in head
    (output,) = result.outputs
    assert (output.filename, output.media_type) == ("clip.mp4", "video/mp4")
    usage = result.usage
    assert usage is not None
    assert usage.input_bytes == clip.stat().st_size
    assert usage.output_bytes == output.size_bytes
    assert 20 << 20 < usage.peak_rss_bytes < 1 << 30
    assert 0 < usage.cpu_seconds < usage.processing_seconds * 64
    assert usage.peak_cpu_percent > 0
    assert list(bench.scratch.iterdir()) == []


def test_mp3_holds_the_sound_when_made_of_a_video(bench: Bench, clip: Path) -> None:
    result = bench.transcode(clip, "mp3")

    with bench.output(result) as path:
        info = probe_clip(path)
    assert [(s.kind, s.codec) for s in info.streams] == [(StreamKind.AUDIO, "mp3")]
    assert info.duration_seconds == pytest.approx(2, abs=0.1)
    assert (result.outputs[0].filename, result.outputs[0].media_type) == ("clip.mp3", "audio/mpeg")


WORDS = {
    "tags": "".join(f"tag{number}=a word or two of number {number}\n" for number in range(9000)),
    "chapters": "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={number}\nEND={number + 1}\ntitle=Chapter {number}\n"
        for number in range(1900)
    ),
    # ffmpeg's own words behind a line separator, which ffmpeg does not indent.
    "complaint": "title=A\u2028partial file\u2028    Stream #0:7: Video: h264, yuv420p, 99x99\n",
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_file_is_read_to_its_end_when_it_has_much_to_say_of_itself(
    bench: Bench, clip: Path, tmp_path: Path, words: str
) -> None:
    (tmp_path / "words").write_text(f";FFMETADATA1\n{words}")
    told = ["-i", str(clip), "-f", "ffmetadata", "-i", str(tmp_path / "words")]
    taken = ["-map", "0", "-map_metadata", "1", "-map_chapters", "1", "-c", "copy"]
    wordy = make_clip(tmp_path / "wordy.mkv", *told, *taken)
    with bench.output(bench.transcode(wordy, "mkv-h264")) as path:
        info = probe_clip(path)
    assert [s.kind for s in info.streams] == [StreamKind.VIDEO, StreamKind.AUDIO]
    video = info.best(StreamKind.VIDEO)
    assert video is not None
    assert video.span is not None
    assert video.span.packet_count == 50


def test_progress_grows_to_the_total_when_a_clip_is_encoded(bench: Bench, clips: Path) -> None:
    long = make_clip(
        clips / "long.mkv", *picture(12, "640x360"), *sound(12), *QUICK_VIDEO, "-c:a", "flac"
    )
    bench.transcode(long, "mp4-h264")

    reports = bench.progress.reports
    done = [report[1] for report in reports]
    assert done == sorted(done)
    assert {report[0] for report in reports} == {progress_pb2.PROGRESS_UNIT_MEDIA_SECONDS}
    assert reports[-1][1] == reports[-1][2] == pytest.approx(12, abs=0.1)
    assert all(report[1] < 12 for report in reports[:-1])
    assert len({value for value in done if 0 < value < 11}) >= 2
    assert list(dict.fromkeys(report[3] for report in reports)) == ["probe", "transcode", "verify"]


def test_missing_stream_is_named_when_a_preset_needs_it(bench: Bench, clips: Path) -> None:
    audio = make_clip(clips / "a.wav", *sound(1))
    with pytest.raises(StepFailure) as failure:
        bench.transcode(audio, "mp4-h264")
    assert failure.value.reason is FailureReason.NO_SUCH_STREAM
    assert failure.value.metadata["stream"] == "video"


def test_missing_sound_is_named_when_a_silent_video_becomes_mp3(bench: Bench, clips: Path) -> None:
    silent = make_clip(clips / "silent.mp4", *picture(1), *QUICK_VIDEO)
    with pytest.raises(StepFailure) as failure:
        bench.transcode(silent, "mp3")
    assert failure.value.reason is FailureReason.NO_SUCH_STREAM
    assert failure.value.metadata["stream"] == "audio"


def test_cover_is_no_video_when_a_song_has_one(bench: Bench, clips: Path) -> None:
    make_clip(clips / "cover.png", *picture(0.04), "-frames:v", "1")
    song = make_clip(
        clips / "song.m4a",
        *sound(1),
        *("-i", str(clips / "cover.png"), "-map", "0", "-map", "1", "-c:v", "copy"),
        *("-c:a", "aac", "-disposition:v:0", "attached_pic"),
    )
    with pytest.raises(StepFailure) as failure:
        bench.transcode(song, "mp4-h264")
    assert failure.value.reason is FailureReason.NO_SUCH_STREAM


def test_unknown_preset_is_refused_when_asked_for(bench: Bench, clip: Path) -> None:
    with pytest.raises(StepFailure) as failure:
        bench.transcode(clip, "-i /etc/passwd")
    assert failure.value.reason is FailureReason.UNSUPPORTED_PRESET
    assert "mp4-h264" in failure.value.metadata["presets"]


def odd(clips: Path) -> tuple[Path, tuple[int, int]]:
    source = ["-f", "lavfi", "-t", "0.4", "-i", "testsrc=size=321x241:rate=25"]
    return make_clip(clips / "odd.mkv", *source, "-c:v", "png"), (320, 240)


def one_pixel(clips: Path) -> tuple[Path, tuple[int, int]]:
    source = ["-f", "lavfi", "-t", "0.4", "-i", "testsrc=size=1x1:rate=25"]
    return make_clip(clips / "one.mkv", *source, "-c:v", "ffv1"), (2, 2)


def wide(clips: Path) -> tuple[Path, tuple[int, int]]:
    path = make_clip(clips / "wide.mp4", *picture(0.2, "2560x720"), *QUICK_VIDEO)
    return path, (1920, 540)


def rotated(clips: Path) -> tuple[Path, tuple[int, int]]:
    upright = make_clip(clips / "upright.mp4", *picture(0.4), *QUICK_VIDEO)
    path = clips / "rotated.mp4"
    return make_clip(path, "-display_rotation", "90", "-i", str(upright), "-c", "copy"), (240, 320)


def variable_rate(clips: Path) -> tuple[Path, tuple[int, int]]:
    drop = ["-vf", "select='not(mod(n,3))+lt(n,20)'", "-fps_mode", "vfr"]
    return make_clip(clips / "vfr.mkv", *picture(2), *drop, *QUICK_VIDEO), (320, 240)


def edit_list(clips: Path) -> tuple[Path, tuple[int, int]]:
    whole = make_clip(clips / "whole.mp4", *picture(2), *sound(2), *QUICK_VIDEO, "-c:a", "aac")
    path = clips / "edit.mp4"
    return make_clip(path, "-ss", "0.9", "-i", str(whole), "-c", "copy"), (320, 240)


def late_sound(clips: Path) -> tuple[Path, tuple[int, int]]:
    path = clips / "late.mkv"
    late = [*picture(2), "-itsoffset", "0.6", *sound(1)]
    return make_clip(path, *late, *QUICK_VIDEO, "-c:a", "aac"), (320, 240)


def broadcast(clips: Path) -> tuple[Path, tuple[int, int]]:
    groups = ["-c:v", "libx264", "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"]
    whole = make_clip(clips / "whole.ts", *picture(3), *sound(3), *groups, "-c:a", "mp2")
    data = whole.read_bytes()
    cut = clips / "cut.ts"
    cut.write_bytes(data[188 * (len(data) // 188 // 5) :])
    return cut, (320, 240)


def no_presentation_times(clips: Path) -> tuple[Path, tuple[int, int]]:
    codecs = ["-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame"]
    return make_clip(clips / "old.avi", *picture(1), *sound(1), *codecs), (320, 240)


def animation(clips: Path) -> tuple[Path, tuple[int, int]]:
    return make_clip(clips / "anim.gif", *picture(1)), (320, 240)


@pytest.mark.parametrize(
    "shape",
    [
        odd,
        one_pixel,
        wide,
        rotated,
        variable_rate,
        edit_list,
        late_sound,
        broadcast,
        no_presentation_times,
        animation,
    ],
)
def test_picture_fits_when_the_input_has_an_unusual_shape(
    bench: Bench, clips: Path, shape: Callable[[Path], tuple[Path, tuple[int, int]]]
) -> None:
    path, size = shape(clips)
    with bench.output(bench.transcode(path, "mp4-h264")) as output:
        video = probe_clip(output).best(StreamKind.VIDEO)
    assert video is not None
    assert (video.width, video.height) == size


@pytest.mark.parametrize(
    "name", ["-i.mp4", "a%03d.mp4", 'it\'s "quoted"; $(touch x).mp4', "../../up.mp4", "new\nline"]
)
def test_name_stays_a_label_when_it_looks_like_more(bench: Bench, clips: Path, name: str) -> None:
    tiny = make_clip(clips / "tiny.wav", *sound(0.3))
    result = bench.transcode(tiny, "mp3", filename=name)
    filename = result.outputs[0].filename
    assert filename.endswith(".mp3")
    assert not set(filename) & set('/\\"%$\n')
    assert not filename.startswith(("-", "."))
