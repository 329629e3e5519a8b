"""Playlists: what names all that is there passes, and nothing else does."""

import pytest

from media_worker.pipeline.playlists import BadPlaylist, check_ranges, read_dash, read_hls

MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="group_sound",NAME="audio_1",DEFAULT=YES,URI="sound.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=436120,RESOLUTION=320x240,CODECS="avc1,mp4a",AUDIO="group_sound"
240p.m3u8
"""


def media(name: str) -> str:
    return f"""#EXTM3U
#EXT-X-MAP:URI="{name}",BYTERANGE="800@0"
#EXTINF:2.000000,
#EXT-X-BYTERANGE:1000@800
{name}
#EXTINF:1.000000,
#EXT-X-BYTERANGE:200@1800
{name}
#EXT-X-ENDLIST
"""


TEXTS = {
    "master.m3u8": MASTER,
    "240p.m3u8": media("240p.mp4"),
    "sound.m3u8": media("sound.mp4"),
}
SIZES = {"240p.mp4": 2000, "sound.mp4": 2000}

MANIFEST = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>
<Representation id="0"><BaseURL>stream-0.mp4</BaseURL><SegmentList>
<Initialization range="0-799"/><SegmentURL mediaRange="800-1999"/>
</SegmentList></Representation></AdaptationSet></Period></MPD>"""


def test_hls_passes_when_it_names_every_byte() -> None:
    check_ranges(read_hls(TEXTS, "master.m3u8"), SIZES)


def test_dash_passes_when_it_names_every_byte() -> None:
    check_ranges(read_dash(MANIFEST), {"stream-0.mp4": 2000})


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("master.m3u8", "240p.m3u8", "480p.m3u8", "names"),
        ("master.m3u8", ",RESOLUTION=320x240", "", "resolution"),
        ("240p.m3u8", "#EXT-X-ENDLIST", "", "end"),
        ("240p.m3u8", "#EXTM3U", "", "header"),
        ("240p.m3u8", "200@1800", "200", "range"),
        ("240p.m3u8", "200@1800", "200@1900", "ranges"),
        ("240p.m3u8", "200@1800", "199@1800", "coverage"),
        ("240p.m3u8", "#EXT-X-BYTERANGE:200@1800\n", "", "segment"),
        ("sound.m3u8", "sound.mp4", "240p.mp4", "files"),
    ],
)
def test_hls_is_refused_when_a_player_could_not_follow(
    name: str, old: str, new: str, wrong: str
) -> None:
    texts = {**TEXTS, name: TEXTS[name].replace(old, new)}
    with pytest.raises(BadPlaylist, match=f"^{wrong}$"):
        check_ranges(read_hls(texts, "master.m3u8"), SIZES)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('type="static"', 'type="dynamic"', "type"),
        ("</MPD>", "", "xml"),
        ('range="0-799"', 'range=""', "range"),
        ("800-1999", "800-1998", "coverage"),
        ("stream-0.mp4", "stream-1.mp4", "files"),
    ],
)
def test_dash_is_refused_when_a_player_could_not_follow(old: str, new: str, wrong: str) -> None:
    with pytest.raises(BadPlaylist, match=f"^{wrong}$"):
        check_ranges(read_dash(MANIFEST.replace(old, new)), {"stream-0.mp4": 2000})
