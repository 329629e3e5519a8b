"""Runs ffmpeg to list when a stream's frames are shown."""

from media_worker.ffmpeg.command import SourceAccess, scan_arguments
from media_worker.ffmpeg.packet_scan import MalformedScan
from media_worker.ffmpeg.runner import RunnerBroken
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.segments.frame_times import FrameTimes, FrameTimesReader


def scan_frame_times(
    session: FfmpegSession, source: SourceAccess, stream_index: int
) -> FrameTimes | str:
    """List a stream's frames, without decoding; a word says why they cannot be told.

    Raises StepFailure, Stopped and RunnerBroken.
    """
    reader = FrameTimesReader()
    try:
        session.run(scan_arguments(source, stream_index), on_stdout=reader.feed)
        return reader.finish()
    except MalformedScan as error:
        raise RunnerBroken("ffmpeg's list of packets cannot be read") from error
