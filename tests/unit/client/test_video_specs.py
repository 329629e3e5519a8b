"""Specs of subtitles and localized videos, built from what users say."""

import pytest

from babelmill.client import videos
from babelmill.client.errors import InvalidArgument
from babelmill.media.v1 import subtitles_pb2


def test_localized_video_has_all_that_was_said() -> None:
    spec = videos.localize_spec(
        "v", "en", "pt", subtitles_id="s", charset="cp1252", container="MKV", burn_in="pt"
    ).localize_video
    assert (spec.artifact_id, spec.source_language, list(spec.target_languages)) == (
        "v",
        "en",
        ["pt"],
    )
    assert (spec.file.artifact_id, spec.file.charset) == ("s", "cp1252")
    assert spec.container == subtitles_pb2.MEDIA_CONTAINER_MKV
    assert spec.burn_in_language == "pt"


def test_nothing_is_chosen_when_nothing_is_said() -> None:
    assert videos.localize_spec("v", "", ["pt"]).localize_video.WhichOneof("subtitles") is None
    assert videos.track_choice() is None


def test_first_track_can_be_chosen_by_its_index() -> None:
    track = videos.track_choice(index=0)
    spec = videos.localize_spec("v", "", ["pt"], track=track).localize_video
    assert spec.track.WhichOneof("by") == "index"


@pytest.mark.parametrize("word", ["srt", "VTT", "ass"])
def test_formats_are_read_in_any_case(word: str) -> None:
    wanted = videos.convert_spec("f", word).process_subtitles.convert.format
    assert subtitles_pb2.SubtitleFormat.Name(wanted).endswith(word.upper())


def test_tracks_are_told_in_their_order() -> None:
    tracks = [
        ("a", videos.NewTrack(content=b"", language="pt", title="T", is_default=True)),
        ("b", videos.NewTrack(content=b"", language="es", is_forced=True)),
    ]
    mux = videos.mux_spec("m", tracks, replace=True).process_subtitles.mux
    assert [(f.artifact_id, f.language, f.is_default, f.is_forced) for f in mux.files] == [
        ("a", "pt", True, False),
        ("b", "es", False, True),
    ]
    assert mux.replace


def test_mistakes_are_told_before_anything_is_sent() -> None:
    with pytest.raises(InvalidArgument, match="mp4, mkv, webm"):
        videos.localize_spec("v", "", ["pt"], container="avi")
    with pytest.raises(InvalidArgument, match="srt, vtt, ass"):
        videos.extract_spec("m", None, "sub")
    with pytest.raises(InvalidArgument):
        videos.track_choice("en", 1)
    with pytest.raises(InvalidArgument):
        videos.localize_spec("v", "", ["pt"], subtitles_id="s", track=videos.track_choice("en"))
    with pytest.raises(InvalidArgument):
        videos.burn_in_spec("m")
    with pytest.raises(InvalidArgument):
        videos.burn_in_spec("m", subtitles_id="s", track=videos.track_choice("en"))
