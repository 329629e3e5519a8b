"""Makes pictures of a video: a poster, or sheets of small ones with their WebVTT."""

import math

from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Output, StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.media_info import StreamInfo, StreamKind
from media_worker.ffmpeg.probe import check
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.ffmpeg.stills import Sheet, poster_arguments, sprite_arguments
from media_worker.pipeline.rendition import begin_at, find_part
from media_worker.presets.arguments import fit
from media_worker.presets.naming import output_filename
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset
from media_worker.verification import invalid_output

_JPEG = "image/jpeg"
# By name or by content: which of them ffmpeg prefers depends on the picture's size.
_PICTURE_FORMATS = ("image2", "jpeg_pipe", "png_pipe")
_POSTER_NAME = "poster.jpg"
# A film's first moments tell little of it.
_SKIPPED_SHARE = 0.1
_SKIPS_FROM_SECONDS = 10.0
_CANDIDATES = 60

_TILE_WIDTH = 160
_TILE_SHAPE = 9 / 16
_COLUMNS = 10
_ROWS = 10
_MOST_TILES = 3600
_USUAL_TILES = 100
# From here on key pictures lie close enough, and decoding them alone is many times faster.
_KEY_PICTURES_FROM_SECONDS = 10.0


def make_poster(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    options: Options,
    input_filename: str,
) -> tuple[Output, ...]:
    """Make one picture: of the moment asked for, or a telling one. Raises StepFailure, Stopped."""
    part = find_part(session, source, preset, options)
    video = _video(part.selection.video)
    seconds = part.selection.end_seconds
    filters = fit(options.max_width or _usual_width(preset), options.max_height)
    if not options.start_seconds:
        filters = f"{filters},thumbnail=n={_CANDIDATES}"
        if seconds >= _SKIPS_FROM_SECONDS:
            part = begin_at(part, seconds * _SKIPPED_SHARE)
    path = session.directory / _POSTER_NAME
    try:
        with tracer(__name__).start_as_current_span("ffmpeg.poster"):
            session.run(
                poster_arguments(
                    part.source,
                    video.index,
                    filters=f"{filters},setsar=1",
                    picture_arguments=_picture_arguments(preset, options),
                    skip_seconds=part.skip_seconds,
                    output_name=path.name,
                )
            )
        check_picture(session, path.name, codec="mjpeg")
        return (session.attempt.output_file(output_filename(input_filename, preset), _JPEG, path),)
    finally:
        path.unlink(missing_ok=True)


def make_sprite(
    session: FfmpegSession, source: SourceAccess, preset: Preset, options: Options
) -> tuple[Output, ...]:
    """Make sheets of small pictures, and say which to show when. Raises StepFailure, Stopped."""
    part = find_part(session, source, preset, options)
    video = _video(part.selection.video)
    seconds = part.selection.end_seconds
    sheet = plan_sheet(seconds, options)
    progress = MediaProgress(seconds)
    session.report(progress, "transcode")
    names = [f"sprite-{number:03d}.jpg" for number in range(1, sheet.files + 1)]
    try:
        with tracer(__name__).start_as_current_span("ffmpeg.sprite"):
            session.run(
                sprite_arguments(
                    part.source,
                    video.index,
                    sheet,
                    picture_arguments=_picture_arguments(preset, options),
                    only_key_pictures=sheet.interval_seconds >= _KEY_PICTURES_FROM_SECONDS,
                    output_pattern="sprite-%03d.jpg",
                ),
                progress=progress,
            )
        size = (sheet.width * sheet.columns, sheet.height * sheet.rows)
        for name in names:
            if not (session.directory / name).is_file():
                raise invalid_output("sheets")
            check_picture(session, name, codec="mjpeg", size=size)
        attempt = session.attempt
        outputs = [
            attempt.output_bytes(
                "sprite.vtt", preset.media_type, sprite_vtt(sheet, seconds).encode()
            )
        ]
        outputs += [attempt.output_file(name, _JPEG, session.directory / name) for name in names]
    finally:
        for name in names:
            (session.directory / name).unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return tuple(outputs)


def plan_sheet(seconds: float, options: Options) -> Sheet:
    """Say how many pictures of what size there will be. Raises StepFailure: UNSUPPORTED_OPTION."""
    interval = options.interval_seconds or max(1, math.ceil(seconds / _USUAL_TILES))
    tiles = max(1, math.ceil(seconds / interval - 1e-6))
    if tiles > _MOST_TILES:
        raise StepFailure(
            FailureReason.UNSUPPORTED_OPTION,
            f"With this interval there would be more than {_MOST_TILES} pictures.",
            metadata={"option": "interval_seconds"},
        )
    width = options.max_width or _TILE_WIDTH
    height = options.max_height or round(width * _TILE_SHAPE)
    columns = min(_COLUMNS, tiles)
    return Sheet(
        interval_seconds=interval,
        tiles=tiles,
        width=width - width % 2,
        height=height - height % 2,
        columns=columns,
        rows=min(_ROWS, -(-tiles // columns)),
    )


def sprite_vtt(sheet: Sheet, seconds: float) -> str:
    """Write which part of which sheet is shown from when to when (Media Fragments, `xywh`)."""
    lines = ["WEBVTT", ""]
    for index in range(sheet.tiles):
        number, place = divmod(index, sheet.tiles_each)
        row, column = divmod(place, sheet.columns)
        start = index * sheet.interval_seconds
        end = min(seconds, start + sheet.interval_seconds)
        box = f"{column * sheet.width},{row * sheet.height},{sheet.width},{sheet.height}"
        lines += [
            f"{_time(start)} --> {_time(max(end, start + 0.001))}",
            f"sprite-{number + 1:03d}.jpg#xywh={box}",
            "",
        ]
    return "\n".join(lines)


def check_picture(
    session: FfmpegSession,
    name: str,
    *,
    codec: str,
    size: tuple[int, int] | None = None,
) -> None:
    """Make sure that a picture can be seen. Raises StepFailure: OUTPUT_INVALID; and Stopped."""
    try:
        access = session.access(name, formats=_PICTURE_FORMATS)
        found = check(session.context, access, has_video=True)
    except StepFailure as error:
        if error.reason in {FailureReason.NOT_MEDIA, FailureReason.MEDIA_REFUSED}:
            raise invalid_output("decodes") from error
        raise
    picture = found.best(StreamKind.VIDEO)
    if picture is None or picture.codec != codec:
        raise invalid_output("picture")
    if size is not None and (picture.width, picture.height) != size:
        raise invalid_output("picture_size")


def _picture_arguments(preset: Preset, options: Options) -> tuple[str, ...]:
    recipe = preset.video
    if recipe is None or recipe.quality is None:
        raise TypeError(preset.name)
    quality = recipe.quality.arguments(options.quality)
    return ("-c:v", recipe.encoder, *quality, "-pix_fmt", recipe.pixel_format)


def _usual_width(preset: Preset) -> int:
    return 0 if preset.video is None else preset.video.max_width


def _video(found: StreamInfo | None) -> StreamInfo:
    if found is None:
        raise TypeError("the preset needs no video")
    return found


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    seconds_left, milliseconds = divmod(milliseconds, 1000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds_left:02d}.{milliseconds:03d}"
