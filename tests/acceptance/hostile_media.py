"""Files that are broken, or made to break out of a media worker or to exhaust it.

Each has the typed reasons with which it may be refused.
"""

import random
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg

NOT_ALLOWED = frozenset({("NOT_MEDIA", ""), ("MEDIA_REFUSED", "FORMAT_NOT_ALLOWED")})
NOT_MEDIA = frozenset({("NOT_MEDIA", "")})
VIDEO, SOUND = "mp4-h264", "mp3"
SUBTITLES = "subtitles"
"""Stands for a preset where a file is to become WebVTT."""


@dataclass(frozen=True)
class Hostile:
    """One upload, and what must become of it."""

    name: str
    content: bytes | Callable[[Path], None]
    """What is uploaded, or what writes it to a file."""
    expected: frozenset[tuple[str, str]]
    """Failure reasons, each with its verdict; empty if the file is harmless and is processed."""
    preset: str = VIDEO
    filename: str = "film.mp4"

    def write(self, path: Path) -> None:
        """Write the file."""
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)


def run_ffmpeg(*arguments: str | Path) -> None:
    """Make a file with ffmpeg."""
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *arguments],
        check=True,
        timeout=60,
    )


@dataclass
class Victims:
    """What hostile files try to reach."""

    local_file: Path
    """Another tenant's object in the store, a film that ffmpeg could read."""
    port: int
    """Of a server on this machine that nobody may visit."""
    clip: Path
    """A good film, to be broken."""
    targets: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.targets = {
            "a local file": str(self.local_file),
            "a local file by its URL": f"file://{self.local_file}",
            "a server": f"http://127.0.0.1:{self.port}/segment.ts",
        }


def hostile_files(victims: Victims) -> Iterator[Hostile]:
    """Give every case."""
    yield from references(victims)
    yield from texts()
    yield from bombs(victims.clip)
    yield from damage(victims.clip)
    yield from names(victims.clip)
    yield from subtitles(victims)


def references(victims: Victims) -> Iterator[Hostile]:
    """Files that make ffmpeg read something else."""
    for what, target in victims.targets.items():
        for kind, text in PLAYLISTS.items():
            yield Hostile(
                f"{kind} naming {what}",
                text.format(target=target).encode(),
                NOT_ALLOWED,
                filename="film.m3u8" if kind == "a playlist" else "film.mp4",
            )
    # Opened by old demuxers when only the subtitles of an AVI were asked for.
    playlist = PLAYLISTS["a playlist"].format(target=victims.local_file)
    yield Hostile(
        "an AVI whose subtitles are a playlist",
        avi_with_subtitles(playlist.encode()),
        frozenset({("NOT_MEDIA", ""), ("NO_SUCH_STREAM", "")}),
        filename="film.avi",
    )


PLAYLISTS = {
    "a playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
    "a playlist's key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n'
    "#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
    "a master playlist": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n",
    "a list of files": "ffconcat version 1.0\nfile '{target}'\n",
    "a manifest": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT3S"><Period><AdaptationSet><Representation id="0" '
    'bandwidth="1" mimeType="video/mp4"><BaseURL>{target}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "a drawing": '<svg xmlns="http://www.w3.org/2000/svg" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="{target}"/></svg>',
    "a script of images": "#!/usr/bin/ffmpeg\nmovie={target}\n",
}


def texts() -> Iterator[Hostile]:
    """Files that hold no media, though some program would draw them."""
    contents = {
        "a session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"
        b"t=0 0\nm=video 5004 RTP/AVP 96\n",
        "text": b"This is not a film.\n" * 200,
        "terminal colours": b"\x1b[31mred\x1b[0m\n" * 100,
        "text screens": b"XBIN\x1a" + struct.pack("<HHBB", 80, 25, 16, 0) + b"A\x07" * 2000,
        "lyrics": b"[ti:song]\n[00:01.00]la la\n[00:02.00]la\n",
        "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
        "100,000 overlapping subtitles": b"".join(
            b"%d\n00:00:00,000 --> 01:00:00,000\nHello\n\n" % number for number in range(100_000)
        ),
        "nothing": b"",
        "zeros": bytes(5000),
        "noise": random.Random(4).randbytes(200_000),
        "a picture of 256 million pixels": png(16384, 16384),
        "a picture of 3.6 milliard pixels": png(60_000, 60_000),
    }
    for name, content in contents.items():
        yield Hostile(
            name,
            content,
            NOT_ALLOWED,
        )


def subtitles(victims: Victims) -> Iterator[Hostile]:
    """Files that are no subtitles, and harmless ones that look like more."""
    playlist = PLAYLISTS["a playlist"].format(target=victims.local_file)
    files = PLAYLISTS["a list of files"].format(target=victims.local_file)
    cue = "1\n00:00:00,000 --> 01:00:00,000\n"
    contents: dict[str, tuple[bytes, str]] = {
        "a playlist as subtitles": (playlist.encode(), "NOT_SUBTITLES"),
        "a list of files as subtitles": (files.encode(), "NOT_SUBTITLES"),
        "a film as subtitles": (victims.clip.read_bytes(), "NOT_SUBTITLES"),
        "noise as subtitles": (random.Random(5).randbytes(100_000), "NOT_SUBTITLES"),
        "nothing as subtitles": (b"", "NOT_SUBTITLES"),
        "100,000 overlapping cues": ((cue + "Hello\n\n").encode() * 100_000, ""),
        "a playlist within a cue": ((cue + playlist).encode(), ""),
    }
    for name, (content, reason) in contents.items():
        expected = frozenset({(reason, "")}) if reason else frozenset[tuple[str, str]]()
        yield Hostile(name, content, expected, preset=SUBTITLES, filename="film.srt")


def bombs(clip: Path) -> Iterator[Hostile]:
    """Files that are small, and would cost much. The limits are those of the test's stack."""

    def gap(path: Path) -> None:
        jump = ["-vf", "setpts='if(eq(N,1),72000/TB,PTS)'", "-fps_mode", "passthrough"]
        source = ["-f", "lavfi", "-t", "0.08", "-i", "testsrc2=size=64x64:rate=25"]
        run_ffmpeg(*source, *jump, "-c:v", "ffv1", "-f", "matroska", path)

    def silence(path: Path) -> None:
        source = ["-f", "lavfi", "-t", "3700", "-i", "anullsrc=r=8000:cl=mono"]
        run_ffmpeg(*source, "-c:a", "flac", "-frame_size", "65535", "-f", "flac", path)

    def large(path: Path) -> None:
        source = ["-f", "lavfi", "-i", "color=size=8192x4320:rate=1,format=gray", "-frames:v", "1"]
        run_ffmpeg(*source, "-c:v", "ffv1", "-f", "matroska", path)

    def inflated(path: Path) -> None:
        source = ["-f", "lavfi", "-i", "color=size=64x64:rate=1,format=yuvj420p"]
        run_ffmpeg(*source, "-frames:v", "2", "-c:v", "mjpeg", "-f", "avi", path)
        # The pictures' own headers now say 65500x65500.
        small, large = struct.pack(">HH", 64, 64), struct.pack(">HH", 65500, 65500)
        path.write_bytes(path.read_bytes().replace(b"\x08" + small, b"\x08" + large))

    def streams(path: Path) -> None:
        maps = ["-map", "0:a"] * 300
        run_ffmpeg("-i", clip, "-t", "0.1", *maps, "-c", "copy", "-f", "matroska", path)

    def inflating(path: Path) -> None:
        source = ["-f", "lavfi", "-t", "3500", "-i", "anullsrc=r=8000:cl=mono"]
        run_ffmpeg(*source, "-c:a", "flac", "-frame_size", "65535", "-f", "flac", path)

    yield Hostile("two frames 20 hours apart", gap, _refused("DURATION_LIMIT"))
    yield Hostile("more than an hour of silence", silence, _refused("DURATION_LIMIT"), preset=SOUND)
    yield Hostile("a frame of 35 million pixels", large, _refused("PIXEL_LIMIT"))
    yield Hostile("a frame that claims to be larger", inflated, _refused("PIXEL_LIMIT", "DAMAGED"))
    yield Hostile("300 streams", streams, _refused("STREAM_LIMIT"))
    yield Hostile("an output too large", inflating, _refused("OUTPUT_SIZE_LIMIT"), preset="wav")


def damage(clip: Path) -> Iterator[Hostile]:
    """Good files, broken; and files that lack what is asked for."""
    whole = clip.read_bytes()

    def cut(path: Path) -> None:
        run_ffmpeg("-i", clip, "-c", "copy", "-movflags", "+faststart", "-f", "mp4", path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def unindexed(path: Path) -> None:
        run_ffmpeg("-i", clip, "-c", "copy", "-f", "mp4", path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def flipped(path: Path) -> None:
        data, chance = bytearray(whole), random.Random(4)
        for _ in range(20):
            data[chance.randrange(5000, len(data) - 5000)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)

    def wave(path: Path) -> None:
        run_ffmpeg("-f", "lavfi", "-t", "1", "-i", "sine", "-f", "wav", path)

    yield Hostile("half an MP4", cut, _refused("CUT_SHORT"))
    yield Hostile("an MP4 without its index", unindexed, NOT_MEDIA)
    yield Hostile(
        "half a Matroska file",
        whole[: len(whole) // 2],
        _refused("CUT_SHORT"),
    )
    yield Hostile("flipped bits", flipped, _refused("DAMAGED"))
    yield Hostile("sound as a film", wave, frozenset({("NO_SUCH_STREAM", "")}))
    yield Hostile("sound under a film's name", wave, frozenset(), preset=SOUND)


NAMES = (
    "-i.mp4",
    "-y -f null.mp4",
    "a%03d.mp4",
    'it\'s "quoted".mp4',
    "x;touch pwned.mp4",
    "$(touch pwned).mp4",
    "concat:a|b.mp4",
    "http:x.mp4",
    "[0:v]movie=x,scale.mp4",
    "tee:out.mp4",
)


def names(clip: Path) -> Iterator[Hostile]:
    """A good file under names that a program could take for more than a name."""
    content = clip.read_bytes()
    for filename in NAMES:
        yield Hostile(
            f"named {filename}",
            content,
            frozenset(),
            preset=SOUND,
            filename=filename,
        )


def png(width: int, height: int) -> bytes:
    """A picture's header with that size, and data that would unpack for ever."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9) * 8
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def avi_with_subtitles(text: bytes) -> bytes:
    """An AVI of one stream, of subtitles, whose only packet is `text` behind the GAB2 mark."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    def group(kind: bytes, data: bytes) -> bytes:
        return chunk(b"LIST", kind + data)

    gab2 = b"GAB2\0" + struct.pack("<HI", 2, 2) + b"x\0" + struct.pack("<HI", 4, len(text)) + text
    main = struct.pack("<14I", 40000, 0, 0, 0x10, 1, 0, 1, 0, 64, 64, 0, 0, 0, 0)
    stream = b"txts" + struct.pack("<4x10I", 0, 0, 0, 1, 25, 0, 1, 0, 0, 0) + bytes(8)
    header = group(
        b"hdrl", chunk(b"avih", main) + group(b"strl", chunk(b"strh", stream) + chunk(b"strf", b""))
    )
    return chunk(b"RIFF", b"AVI " + header + group(b"movi", chunk(b"00tx", gab2)))


def _refused(*verdicts: str) -> frozenset[tuple[str, str]]:
    return frozenset(("MEDIA_REFUSED", verdict) for verdict in verdicts)
