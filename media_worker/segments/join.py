"""Joins a video's segments, encodes its sound, and verifies the whole."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Result, StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions
from media_worker.pipeline.loudness import gain_to
from media_worker.presets.naming import output_filename
from media_worker.presets.options import Options, read_options
from media_worker.presets.recipe import Preset
from media_worker.segments.arguments import LIST_NAME, Join, join_arguments, join_list
from media_worker.segments.checks import check_joined
from media_worker.segments.plan_file import SegmentPlan, read_plan
from media_worker.segments.recipes import find_preset, sound_arguments
from media_worker.segments.scanning import scan_frame_times
from media_worker.verification import verify_output


class JoinSegmentsHandler:
    """Makes a rendition out of its segments."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.join_segments
        preset = find_preset(wanted.preset)
        options = read_options(wanted.options, preset)
        plan = read_plan(attempt, wanted.plan)
        if len(wanted.segments) != len(plan.segments):
            raise StepFailure(FailureReason.INPUT_MISSING)
        with self._sessions.open(attempt) as session:
            output = _join(session, wanted, preset, options, plan)
            usage = session.usage(output.size_bytes)
            # The job's input was counted where it was looked through; segments are none.
            usage.input_bytes = 0
            return Result(outputs=(output,), usage=usage)


def _join(
    session: FfmpegSession,
    wanted: lease_pb2.JoinSegmentsWork,
    preset: Preset,
    options: Options,
    plan: SegmentPlan,
) -> Output:
    # By the names that ffmpeg is told, so the container is that of the preset.
    path = session.directory / f"output.{preset.file_extension}"
    progress = MediaProgress(plan.seconds, plan.frames)
    session.report(progress, "join")
    try:
        with (
            _laid_out(session, wanted, plan) as source,
            tracer(__name__).start_as_current_span(
                "ffmpeg.join", attributes={"babelmill.segments": len(plan.segments)}
            ),
        ):
            join = Join(
                audio_index=None if plan.audio is None else plan.audio.index,
                audio_arguments=_sound(session, source, preset, options, plan),
                container_arguments=preset.container_arguments,
                muxer=preset.muxer,
                output_name=path.name,
                threads=plan.threads,
                start_microseconds=plan.start_microseconds,
                max_seconds=_end_seconds(plan),
            )
            session.run(join_arguments(source, join), progress=progress, stage="join")
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify") as span:
            access = session.access(path.name, formats=(preset.demuxer,))
            verify_output(
                session.context,
                access,
                preset,
                source_video=plan.video,
                source_audio=plan.audio,
                frames_encoded=plan.frames,
            )
            drift = check_joined(scan_frame_times(session, access, 0), plan.segments)
            span.set_attribute("babelmill.drift_microseconds", drift)
        name = output_filename(wanted.input_filename, preset)
        output = session.attempt.output_file(name, preset.media_type, path)
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return output


@contextmanager
def _laid_out(
    session: FfmpegSession, wanted: lease_pb2.JoinSegmentsWork, plan: SegmentPlan
) -> Iterator[SourceAccess]:
    """Give the segments and the source their names, and write the list of the segments."""
    names = [f"segment-{number:04}.mp4" for number in range(1, len(plan.segments) + 1)]
    listed = session.directory / LIST_NAME
    with ExitStack() as inputs:
        for name, content in zip(names, wanted.segments, strict=True):
            inputs.enter_context(session.input(content, name))
        # Only its sound is read.
        source = session.access()
        if plan.audio is not None:
            source = inputs.enter_context(session.input(wanted.source, again=True))
        listed.write_text(join_list(names, plan.segments), "ascii")
        inputs.callback(listed.unlink, missing_ok=True)
        yield replace(source, formats=plan.formats)


def _sound(
    session: FfmpegSession,
    source: SourceAccess,
    preset: Preset,
    options: Options,
    plan: SegmentPlan,
) -> tuple[str, ...]:
    """Say how the sound is encoded, where there is any."""
    if plan.audio is None:
        return ()
    gain_db = None
    if options.loudness_lufs:
        gain_db = gain_to(session, source, plan.audio, options)
    return sound_arguments(preset, options, gain_db)


def _end_seconds(plan: SegmentPlan) -> float:
    spans = [stream.span for stream in (plan.video, plan.audio) if stream is not None]
    return max((span.end_seconds for span in spans if span is not None), default=0.0)
