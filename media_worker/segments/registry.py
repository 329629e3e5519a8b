"""The steps of a video in segments that this worker can do."""

from collections.abc import Mapping

from babelmill.kit.worker.handler import StepHandler
from media_worker.ffmpeg.session import FfmpegSessions
from media_worker.segments.encode import EncodeSegmentHandler
from media_worker.segments.join import JoinSegmentsHandler
from media_worker.segments.split import SplitMediaHandler

SEGMENT_STEP_KINDS = ("split_media", "encode_segment", "join_segments")


def segment_handlers(sessions: FfmpegSessions) -> Mapping[str, StepHandler]:
    """Make a handler for each kind of step, by its name in Work."""
    return {
        "split_media": SplitMediaHandler(sessions),
        "encode_segment": EncodeSegmentHandler(sessions),
        "join_segments": JoinSegmentsHandler(sessions),
    }
