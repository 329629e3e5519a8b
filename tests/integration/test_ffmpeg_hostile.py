"""Files that are broken, or made to break out: each gets a typed refusal, quickly."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

import pytest

from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from tests.unit.media_worker.media_clips import (
    QUICK_VIDEO,
    Bench,
    ChangedLimits,
    make_clip,
    picture,
    sound,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("hostile")
    codecs = [*QUICK_VIDEO, "-c:a", "aac"]
    make_clip(directory / "good.mp4", *picture(3), *sound(3), *codecs)
    good = ["-i", str(directory / "good.mp4"), "-c", "copy"]
    make_clip(directory / "fast.mp4", *good, "-movflags", "+faststart")
    make_clip(directory / "good.mkv", *good)
    make_clip(directory / "good.ts", *good)
    return directory


def refusal(
    bench: Bench, path: Path, preset: str = "mp4-h264", **limits: Unpack[ChangedLimits]
) -> StepFailure:
    with pytest.raises(StepFailure) as failure:
        bench.transcode(path, preset, **limits)
    assert list(bench.scratch.iterdir()) == []
    assert list(bench.store.keys("staged")) == []
    assert str(path.parent) not in failure.value.message
    assert failure.value.retryable is False
    return failure.value


@pytest.mark.matrix(33)
@pytest.mark.parametrize(
    "content",
    [
        b"This is not a film.\n" * 200,
        b"",
        bytes(5000),
        random.Random(4).randbytes(200_000),
        b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
        b"[ti:song]\n[00:01.00]la la\n[00:02.00]la\n",
        b"\x1b[31mred\x1b[0m\n" * 100,
    ],
    ids=["text", "empty", "zeros", "random", "subtitles", "lyrics", "terminal"],
)
@pytest.mark.parametrize("name", ["film.mp4", "film.txt"])
def test_file_is_refused_when_it_is_no_media(
    bench: Bench, tmp_path: Path, content: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    reason = refusal(bench, path).reason
    assert reason in {FailureReason.NOT_MEDIA, FailureReason.MEDIA_REFUSED}


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
    "hls_key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXT-X-TARGETDURATION:3\n'
    "#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile {target}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT3S"><Period><AdaptationSet><Representation id="0" '
    'bandwidth="1" mimeType="video/mp4"><BaseURL>{target}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>',
}


@pytest.mark.matrix(47)
@pytest.mark.parametrize("kind", list(PLAYLISTS))
@pytest.mark.parametrize("absolute", [True, False])
def test_local_file_is_not_read_when_a_playlist_names_it(
    bench: Bench, clips: Path, tmp_path: Path, kind: str, absolute: bool
) -> None:
    target = clips / "good.ts"
    # The second name is right as seen from the directory where ffmpeg runs.
    (bench.scratch / "neighbour").symlink_to(target)
    path = tmp_path / "playlist.m3u8"
    path.write_text(PLAYLISTS[kind].format(target=target if absolute else "neighbour"))
    with pytest.raises(StepFailure) as failure:
        bench.transcode(path, "mp4-h264")
    assert failure.value.reason in {FailureReason.NOT_MEDIA, FailureReason.MEDIA_REFUSED}


def test_mp4_without_index_is_no_media_when_cut_short(
    bench: Bench, clips: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes((clips / "good.mp4").read_bytes()[:100_000])
    failure = refusal(bench, path)
    assert failure.reason is FailureReason.NOT_MEDIA
    assert "cut short" in failure.message


@pytest.mark.parametrize("name", ["fast.mp4", "good.mkv"])
@pytest.mark.parametrize("preset", ["mp4-h264", "mp3"])
def test_half_a_film_is_refused_when_its_header_promises_all(
    bench: Bench, clips: Path, tmp_path: Path, name: str, preset: str
) -> None:
    whole = (clips / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: len(whole) // 2])
    failure = refusal(bench, path, preset)
    assert failure.reason is FailureReason.MEDIA_REFUSED
    assert failure.metadata["verdict"] == "CUT_SHORT"


def test_flipped_bits_are_found_when_the_container_is_intact(
    bench: Bench, clips: Path, tmp_path: Path
) -> None:
    data = bytearray((clips / "good.mkv").read_bytes())
    chance = random.Random(4)
    for _ in range(20):
        data[chance.randrange(5000, len(data) - 5000)] ^= 1 << chance.randrange(8)
    path = tmp_path / "flipped.mkv"
    path.write_bytes(data)
    assert refusal(bench, path).reason is FailureReason.MEDIA_REFUSED


@pytest.mark.matrix(49)
@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ({"max_duration_seconds": 2.0}, "DURATION_LIMIT"),
        ({"max_pixels": 320 * 240 - 1}, "PIXEL_LIMIT"),
        ({"max_streams": 1}, "STREAM_LIMIT"),
        ({"max_output_bytes": 20_000}, "OUTPUT_SIZE_LIMIT"),
    ],
)
def test_limit_is_named_when_a_film_exceeds_it(
    bench: Bench, clips: Path, limits: ChangedLimits, verdict: str
) -> None:
    failure = refusal(bench, clips / "good.mkv", **limits)
    assert failure.reason is FailureReason.MEDIA_REFUSED
    assert failure.metadata["verdict"] == verdict


@pytest.fixture(scope="module")
def twenty_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few kilobytes: five frames, the last one twenty hours after the others."""
    jump = ["-vf", "setpts='if(eq(N,4),72000/TB,PTS)'", "-fps_mode", "passthrough"]
    path = tmp_path_factory.mktemp("gap") / "gap.mkv"
    return make_clip(path, *picture(0.2), *jump, "-c:v", "ffv1")


@pytest.mark.matrix(49)
def test_film_of_hours_is_refused_when_it_is_only_a_gap(bench: Bench, twenty_hours: Path) -> None:
    assert refusal(bench, twenty_hours).metadata["verdict"] == "DURATION_LIMIT"


def test_gap_is_not_filled_with_frames_when_it_is_allowed(bench: Bench, twenty_hours: Path) -> None:
    result = bench.transcode(twenty_hours, "mp4-h264", max_duration_seconds=100_000)
    assert result.outputs[0].size_bytes < 200_000


class _LinkingStore(LocalStore):
    """A store where someone has put a link in the place of an object."""

    @contextmanager
    def _local_path(self, key: str) -> Iterator[Path]:
        with super()._local_path(key) as real:
            link = real.with_name("link")
            link.symlink_to(real)
            yield link


@pytest.mark.matrix(47)
def test_link_is_not_followed_when_the_store_holds_one(bench: Bench, clips: Path) -> None:
    bench.store = _LinkingStore(bench.root / "store")
    assert refusal(bench, clips / "good.mkv", "mp3").reason is FailureReason.INPUT_MISSING
