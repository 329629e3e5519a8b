"""Makes one rendition, a file of picture and sound: select, encode, verify, hand over.

Nothing is left of a partial output when it returns or raises.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from babelmill.kit.process.telemetry import tracer
from babelmill.kit.worker.handler import Output
from media_worker.ffmpeg.command import (
    Encode,
    SourceAccess,
    encode_arguments,
    palette_arguments,
)
from media_worker.ffmpeg.media_info import MediaInfo
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.ffmpeg.window import Window
from media_worker.pipeline.loudness import gain_to
from media_worker.pipeline.selection import (
    Selection,
    check_duration,
    check_gaps,
    choose_window,
    constant_rate,
    plan_progress,
    select,
)
from media_worker.presets.arguments import PALETTE_COLOURS, stream_arguments, video_filters
from media_worker.presets.naming import output_filename
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset
from media_worker.verification import verify_output

_OUTPUT_STEM = "output"
_PALETTE_NAME = "palette.png"
_PALETTE_FORMATS = ("png_pipe",)
_DURATION_SLACK_SECONDS = 5.0
# They have no index: ffmpeg would begin somewhere near, or guess the time from there on.
_WITHOUT_INDEX = frozenset({"mpegts", "mpeg", "mp3", "aac", "ac3", "eac3", "amr"})


@dataclass(frozen=True, slots=True)
class Part:
    """What is taken of an input, and how it is opened for that."""

    info: MediaInfo
    selection: Selection
    window: Window
    source: SourceAccess
    """Opened where the window begins, if the input has an index."""
    skip_seconds: float
    """What is still to be left out."""
    max_seconds: float


def make_rendition(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    options: Options,
    input_filename: str,
) -> tuple[Output, ...]:
    """Make the one output of a preset of picture or sound. Raises StepFailure and Stopped."""
    part = find_part(session, source, preset, options)
    rate = _constant_rate(preset, options, part)
    progress = plan_progress(part.selection, part.window, rate)
    session.report(progress, "transcode")
    path = session.directory / f"{_OUTPUT_STEM}.{preset.file_extension}"
    try:
        with tracer(__name__).start_as_current_span(
            "ffmpeg.transcode", attributes={"babelmill.preset": preset.name}
        ):
            _encode(session, part, preset, options, rate, path, progress)
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify"):
            verify_output(
                session.context,
                session.access(path.name, formats=(preset.demuxer,)),
                preset,
                source_video=part.selection.video,
                source_audio=part.selection.audio,
                frames_encoded=progress.frames_encoded,
                window=part.window,
            )
        output = session.attempt.output_file(
            output_filename(input_filename, preset), preset.media_type, path
        )
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return (output,)


def find_part(
    session: FfmpegSession, source: SourceAccess, preset: Preset, options: Options
) -> Part:
    """Probe an input and choose what is taken of it. Raises StepFailure and Stopped."""
    info = session.probe(source)
    selection = select(info, preset, without_audio=options.without_audio)
    check_duration(info, selection, session.limits.max_duration_seconds)
    part = Part(
        info=info,
        selection=selection,
        window=choose_window(options, selection),
        source=source,
        skip_seconds=0.0,
        max_seconds=options.duration_seconds or info.duration_seconds + _DURATION_SLACK_SECONDS,
    )
    return begin_at(part, part.window.start_seconds)


def begin_at(part: Part, start_seconds: float) -> Part:
    """Open a part's input from a moment on."""
    if _WITHOUT_INDEX.isdisjoint(part.info.format_names):
        return replace(part, source=replace(part.source, start_seconds=start_seconds))
    return replace(part, skip_seconds=start_seconds)


def _constant_rate(preset: Preset, options: Options, part: Part) -> str:
    video = part.selection.video
    if video is None or preset.video is None:
        return ""
    rate = ""
    if options.frame_rate or preset.video.frame_rate:
        rate = f"{options.frame_rate or preset.video.frame_rate:g}"
    elif not preset.keeps_rate:
        rate = constant_rate(video)
    if rate:
        check_gaps(video, part.window, rate)
    return rate


def _encode(
    session: FfmpegSession,
    part: Part,
    preset: Preset,
    options: Options,
    rate: str,
    path: Path,
    progress: MediaProgress,
) -> None:
    selection = part.selection
    gain_db = None
    if options.loudness_lufs and selection.audio is not None:
        gain_db = gain_to(
            session, part.source, selection.audio, options, skip_seconds=part.skip_seconds
        )
    encode = Encode(
        stream_indexes=selection.indexes,
        codec_arguments=stream_arguments(
            preset,
            options,
            video=selection.video is not None,
            audio=selection.audio is not None,
            threads=session.limits.threads,
            constant_rate=rate,
            gain_db=gain_db,
        ),
        muxer=preset.muxer,
        output_name=path.name,
        threads=session.limits.threads,
        max_seconds=part.max_seconds,
        strict=part.info.is_strict,
        skip_seconds=part.skip_seconds,
    )
    palette = session.directory / _PALETTE_NAME
    try:
        if preset.video is not None and preset.video.has_palette and selection.video is not None:
            filters = video_filters(preset.video, options, rate)
            session.run(
                palette_arguments(
                    part.source,
                    selection.video.index,
                    filters,
                    colours=PALETTE_COLOURS,
                    skip_seconds=part.skip_seconds,
                    max_seconds=part.max_seconds,
                    output_name=palette.name,
                )
            )
            access = session.access(palette.name, formats=_PALETTE_FORMATS)
            encode = replace(encode, palette=access, picture_filters=filters)
        session.run(encode_arguments(part.source, encode), progress=progress)
    finally:
        palette.unlink(missing_ok=True)
