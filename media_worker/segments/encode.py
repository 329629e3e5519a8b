"""Encodes the pictures of one segment, and counts that each of its frames is there."""

from dataclasses import replace

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Result, StepFailure
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions
from media_worker.presets.options import read_options
from media_worker.segments.arguments import (
    SEGMENT_DEMUXER,
    SEGMENT_MEDIA_TYPE,
    SegmentEncode,
    segment_arguments,
)
from media_worker.segments.checks import check_segment
from media_worker.segments.cutting import Segment
from media_worker.segments.plan_file import read_plan
from media_worker.segments.recipes import find_preset, picture_arguments
from media_worker.segments.scanning import scan_frame_times

_NAME = "segment.mp4"


class EncodeSegmentHandler:
    """Encodes one segment of a video."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.encode_segment
        preset = find_preset(wanted.preset)
        options = read_options(wanted.options, preset)
        plan = read_plan(attempt, wanted.plan)
        if not 1 <= wanted.number <= len(plan.segments):
            raise StepFailure(FailureReason.INPUT_DAMAGED)
        segment = plan.segments[wanted.number - 1]
        encode = SegmentEncode(
            stream_index=plan.video.index,
            segment=segment,
            video_arguments=picture_arguments(preset, options, plan.threads),
            threads=plan.threads,
            strict=plan.strict,
            output_name=_NAME,
        )
        path = attempt.scratch / _NAME
        with (
            self._sessions.open(attempt) as session,
            session.input(wanted.source, again=True) as source,
        ):
            progress = MediaProgress(segment.seconds, segment.frames)
            session.report(progress, "transcode")
            with tracer(__name__).start_as_current_span(
                "ffmpeg.encode_segment",
                attributes={"babelmill.preset": preset.name, "babelmill.segment": wanted.number},
            ):
                access = replace(source, formats=plan.formats)
                session.run(segment_arguments(access, encode), progress=progress)
            _verify(session, segment)
            output = attempt.output_file(
                f"segment-{wanted.number:04}.mp4", SEGMENT_MEDIA_TYPE, path
            )
            session.report(progress, "verify", progress.finish())
            # What is made for another step is no output of the job.
            return Result(outputs=(output,), usage=session.usage())


def _verify(session: FfmpegSession, segment: Segment) -> None:
    times = scan_frame_times(session, session.access(_NAME, formats=(SEGMENT_DEMUXER,)), 0)
    check_segment(times, segment)
