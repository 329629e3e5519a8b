"""ffmpeg's arguments for pictures of a video and of its sound. Pure."""

from dataclasses import dataclass

from media_worker.ffmpeg.command import (
    SourceAccess,
    global_arguments,
    input_arguments,
    progress_arguments,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Small pictures in rows, on as many files as they need."""

    interval_seconds: float
    tiles: int
    width: int
    height: int
    columns: int
    rows: int
    """Of one file."""

    @property
    def tiles_each(self) -> int:
        """How many pictures a file holds."""
        return self.columns * self.rows

    @property
    def files(self) -> int:
        """How many files there are."""
        return -(-self.tiles // self.tiles_each)


def poster_arguments(
    source: SourceAccess,
    stream_index: int,
    *,
    filters: str,
    picture_arguments: tuple[str, ...],
    skip_seconds: float,
    output_name: str,
) -> list[str]:
    """Take one picture."""
    return [
        *global_arguments("error"),
        *input_arguments(source),
        *("-map", f"0:{stream_index}"),
        *(["-ss", f"{skip_seconds:.6f}"] if skip_seconds else []),
        *("-vf", filters, "-frames:v", "1", *picture_arguments),
        *("-f", "image2", "-update", "1", f"file:{output_name}"),
    ]


def sprite_arguments(
    source: SourceAccess,
    stream_index: int,
    sheet: Sheet,
    *,
    picture_arguments: tuple[str, ...],
    only_key_pictures: bool,
    output_pattern: str,
) -> list[str]:
    """Take a picture every so often, and lay them on sheets."""
    filters = (
        # Of each interval the last picture up to its mark, and as many as there are tiles.
        f"fps=fps=1/{sheet.interval_seconds:g}:start_time=0:round=up",
        f"tpad=stop_mode=clone:stop={sheet.tiles}",
        f"trim=end_frame={sheet.tiles}",
        f"scale={sheet.width}:{sheet.height}:force_original_aspect_ratio=decrease",
        f"pad={sheet.width}:{sheet.height}:(ow-iw)/2:(oh-ih)/2",
        "setsar=1",
        f"tile={sheet.columns}x{sheet.rows}",
    )
    return [
        *global_arguments("error"),
        *progress_arguments(),
        *(["-skip_frame:v", "nokey"] if only_key_pictures else []),
        *input_arguments(source),
        *("-map", f"0:{stream_index}"),
        *("-vf", ",".join(filters), "-frames:v", str(sheet.files), "-fps_mode", "passthrough"),
        *picture_arguments,
        *("-f", "image2", "-start_number", "1", output_pattern),
    ]


def waveform_arguments(
    source: SourceAccess, stream_index: int, *, width: int, height: int, output_name: str
) -> list[str]:
    """Draw the sound, all channels as one."""
    graph = (
        f"[0:{stream_index}]aformat=channel_layouts=mono,"
        f"showwavespic=s={width}x{height}:colors=0x2f6fde[out]"
    )
    return [
        *global_arguments("error"),
        *progress_arguments(),
        *input_arguments(source),
        *("-filter_complex", graph, "-map", "[out]", "-frames:v", "1"),
        *("-c:v", "png", "-f", "image2", "-update", "1", f"file:{output_name}"),
    ]


def samples_arguments(source: SourceAccess, stream_index: int, sample_rate_hz: int) -> list[str]:
    """Write the sound to stdout, all channels as one: samples of 16 bits, little-endian."""
    return [
        *global_arguments("error"),
        *progress_arguments(),
        *input_arguments(source),
        *("-map", f"0:{stream_index}", "-ac", "1", "-ar", str(sample_rate_hz)),
        *("-af", "aresample=async=1:first_pts=0", "-f", "s16le", "pipe:1"),
    ]
