"""The handlers of subtitles, by the kinds of steps that they do."""

from collections.abc import Mapping

from babelmill.kit.worker.handler import StepHandler
from media_worker.ffmpeg.session import FfmpegSessions
from media_worker.subtitles.burning import BurnInSubtitlesHandler
from media_worker.subtitles.extracting import ExtractSubtitlesHandler, ProcessSubtitlesHandler
from media_worker.subtitles.muxing import MuxTracksHandler

SUBTITLE_STEP_KINDS = (
    "process_subtitles",
    "extract_subtitles",
    "mux_tracks",
    "burn_in_subtitles",
)


def subtitle_handlers(sessions: FfmpegSessions) -> Mapping[str, StepHandler]:
    """Make a handler for each kind."""
    return {
        "process_subtitles": ProcessSubtitlesHandler(sessions),
        "extract_subtitles": ExtractSubtitlesHandler(sessions),
        "mux_tracks": MuxTracksHandler(sessions),
        "burn_in_subtitles": BurnInSubtitlesHandler(sessions),
    }
