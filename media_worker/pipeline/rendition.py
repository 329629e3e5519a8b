"""Makes one rendition, a file of picture and sound: select, encode, verify, hand over.

Nothing is left of a partial output when it returns or raises.
"""

from babelmill.kit.process.telemetry import tracer
from babelmill.kit.worker.handler import Output
from media_worker.ffmpeg.command import Encode, SourceAccess, encode_arguments
from media_worker.ffmpeg.media_info import MediaInfo
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.pipeline.selection import Selection, check_duration, plan_progress, select
from media_worker.presets import Preset, output_filename
from media_worker.verification import verify_output

_OUTPUT_STEM = "output"
_DURATION_SLACK_SECONDS = 5.0


def make_rendition(
    session: FfmpegSession, source: SourceAccess, preset: Preset, input_filename: str
) -> tuple[Output, ...]:
    """Make the one output of a preset of picture or sound. Raises StepFailure and Stopped."""
    info = session.probe(source)
    selection = select(info, preset)
    check_duration(info, selection, session.limits.max_duration_seconds)
    progress = plan_progress(selection)
    session.report(progress, "transcode")
    path = session.directory / f"{_OUTPUT_STEM}.{preset.file_extension}"
    try:
        with tracer(__name__).start_as_current_span(
            "ffmpeg.transcode", attributes={"babelmill.preset": preset.name}
        ):
            _encode(session, source, preset, info, selection, path.name, progress)
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify"):
            verify_output(
                session.context,
                session.access(path.name, formats=(preset.demuxer,)),
                preset,
                source_video=selection.video,
                source_audio=selection.audio,
                frames_encoded=progress.frames_encoded,
            )
        output = session.attempt.output_file(
            output_filename(input_filename, preset), preset.media_type, path
        )
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return (output,)


def _encode(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    info: MediaInfo,
    selection: Selection,
    output_name: str,
    progress: MediaProgress,
) -> None:
    encode = Encode(
        stream_indexes=selection.indexes,
        codec_arguments=preset.codec_arguments(
            video=selection.video is not None, audio=selection.audio is not None
        ),
        muxer=preset.muxer,
        output_name=output_name,
        threads=session.limits.threads,
        max_seconds=info.duration_seconds + _DURATION_SLACK_SECONDS,
        strict=info.is_strict,
    )
    session.run(encode_arguments(source, encode), progress=progress)
