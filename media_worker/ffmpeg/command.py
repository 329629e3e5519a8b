"""Builds ffmpeg's arguments. Pure: nothing is run or read here.

Every name is chosen by the server and relative to the run's own directory; no
word of a client's becomes an argument. Each input carries its own whitelists:
that of formats is the decisive one, for it refuses playlists and scripts that
make ffmpeg read other files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from media_worker.ffmpeg.launcher import PROGRESS_FD

INPUT_NAME = "input"
"""Name of the input in the run's directory: without extension, so that only content tells."""

INPUT_FORMATS = (
    "mov",
    "matroska",
    "mpegts",
    "mpeg",
    "avi",
    "flv",
    "asf",
    "gif",
    "wav",
    "w64",
    "aiff",
    "caf",
    "mp3",
    "aac",
    "ac3",
    "eac3",
    "amr",
    "flac",
    "ogg",
)
"""Containers that hold their own media and point to nothing else."""

_STATS_PERIOD_SECONDS = "0.5"
# A capital V leaves out covers. What is not there is not asked for.
_CHECKED = ("0:V?", "0:a?")
_PROBED = (*_CHECKED, "0:s?")
# Else ffmpeg tells an input's tags and chapters again for each output, after all else.
_WORDLESS = ("-map_metadata", "-1", "-map_chapters", "-1")


@dataclass(frozen=True, slots=True)
class SourceAccess:
    """How an input may be opened."""

    name: str = INPUT_NAME
    formats: tuple[str, ...] = INPUT_FORMATS
    max_pixels: int = 7680 * 4320
    max_streams: int = 64
    threads: int = 1
    """Threads to decode with."""
    start_seconds: float = 0.0
    """Where reading begins; every frame before it is left out."""
    keeps_clock: bool = False
    """Whether times stay as they are in the file, to be compared with another file's."""


@dataclass(frozen=True, slots=True)
class Encode:
    """One rendition to be made."""

    stream_indexes: tuple[int, ...]
    """The streams of the input to take, in their order in the output."""
    codec_arguments: tuple[str, ...]
    muxer: str
    output_name: str
    threads: int
    max_seconds: float
    """A ceiling on the output, as a last resort; the input was measured before."""
    strict: bool
    """Stop at the first damaged packet or frame."""
    skip_seconds: float = 0.0
    """What is decoded and left out, for an input that has no index to begin elsewhere."""
    palette: SourceAccess | None = None
    """A picture of the colours to use; then `picture_filters` are not in the arguments."""
    picture_filters: str = ""


def inspect_arguments(source: SourceAccess) -> list[str]:
    """Print what the header says. ffmpeg ends with status 1, for it is given no output."""
    return [*global_arguments("info"), *input_arguments(source)]


def scan_arguments(source: SourceAccess, stream_index: int) -> list[str]:
    """List every packet of one stream on stdout, without decoding."""
    return [
        *global_arguments("error"),
        *input_arguments(source),
        *_packet_list(f"0:{stream_index}"),
    ]


def probe_arguments(source: SourceAccess) -> list[str]:
    """Print what the header says, and list every packet of picture, sound and subtitles."""
    return [*global_arguments("info"), *input_arguments(source), *_packet_list(*_PROBED)]


def check_arguments(source: SourceAccess, *, has_video: bool) -> list[str]:
    """Print what the header says, list every packet, decode all sound and every key picture.

    All in one pass, that stops with an error at the first thing that does not decode.
    """
    return [
        *global_arguments("info"),
        "-xerror",
        # ffmpeg refuses this option for an input without pictures.
        *(["-skip_frame:v", "nokey"] if has_video else []),
        *input_arguments(source),
        *_packet_list(*_CHECKED),
        *_maps(*_CHECKED),
        *_WORDLESS,
        "-fps_mode",
        "passthrough",
        "-f",
        "null",
        "-",
    ]


def encode_arguments(source: SourceAccess, encode: Encode) -> list[str]:
    """Make one rendition, and report progress on the launcher's pipe."""
    return [
        *global_arguments("error"),
        *(["-xerror"] if encode.strict else []),
        *progress_arguments(),
        "-filter_threads",
        str(encode.threads),
        *input_arguments(source),
        *([] if encode.palette is None else input_arguments(encode.palette)),
        *(map_arguments(encode.stream_indexes) if encode.palette is None else _graph(encode)),
        # Data tracks, such as timecodes, are of no use in a rendition.
        "-dn",
        *encode.codec_arguments,
        "-threads",
        str(encode.threads),
        *(["-ss", f"{encode.skip_seconds:.6f}"] if encode.skip_seconds else []),
        "-t",
        f"{encode.max_seconds:.3f}",
        "-f",
        encode.muxer,
        f"file:{encode.output_name}",
    ]


def palette_arguments(
    source: SourceAccess,
    stream_index: int,
    filters: str,
    *,
    colours: int,
    skip_seconds: float,
    max_seconds: float,
    output_name: str,
) -> list[str]:
    """Choose the colours of an animation, and write them as a picture."""
    chosen = f"{filters},palettegen=max_colors={colours}:stats_mode=full"
    return [
        *global_arguments("error"),
        *input_arguments(source),
        *map_arguments([stream_index]),
        *(["-ss", f"{skip_seconds:.6f}"] if skip_seconds else []),
        "-t",
        f"{max_seconds:.3f}",
        "-vf",
        chosen,
        "-update",
        "1",
        "-f",
        "image2",
        "-c:v",
        "png",
        f"file:{output_name}",
    ]


def global_arguments(verbosity: str) -> list[str]:
    """Say how ffmpeg behaves, whatever it does."""
    return ["-nostdin", "-y", "-hide_banner", "-nostats", "-v", verbosity]


def progress_arguments() -> list[str]:
    """Report progress on the launcher's pipe."""
    return ["-progress", f"pipe:{PROGRESS_FD}", "-stats_period", _STATS_PERIOD_SECONDS]


def input_arguments(source: SourceAccess) -> list[str]:
    """Open an input, with all that limits it."""
    return [
        *(["-copyts"] if source.keeps_clock else []),
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        ",".join(source.formats),
        "-max_pixels",
        str(source.max_pixels),
        "-max_streams",
        str(source.max_streams),
        "-threads",
        str(source.threads),
        *(["-ss", f"{source.start_seconds:.6f}"] if source.start_seconds else []),
        "-i",
        f"file:{source.name}",
    ]


def map_arguments(stream_indexes: Sequence[int]) -> list[str]:
    """Take some streams of the first input."""
    return _maps(*(f"0:{index}" for index in stream_indexes))


def _packet_list(*streams: str) -> list[str]:
    return [*_maps(*streams), *_WORDLESS, "-c", "copy", "-f", "framecrc", "pipe:1"]


def _maps(*streams: str) -> list[str]:
    return [argument for stream in streams for argument in ("-map", stream)]


def _graph(encode: Encode) -> list[str]:
    (index,) = encode.stream_indexes
    dither = "paletteuse=dither=bayer:bayer_scale=3:diff_mode=rectangle"
    graph = f"[0:{index}]{encode.picture_filters}[picture];[picture][1:0]{dither}[out]"
    return ["-filter_complex", graph, "-map", "[out]"]
