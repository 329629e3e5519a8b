"""The handler that draws subtitles into the pictures of a video."""

import re
import unicodedata
from collections.abc import Iterable

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Result, StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.failures import refused
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.probe import check
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions
from media_worker.presets.naming import output_stem
from media_worker.subtitles.arguments import burn_in_arguments, glyph_arguments
from media_worker.subtitles.copying import invalid
from media_worker.subtitles.cues import Cue, write_cues
from media_worker.subtitles.files import SubtitlesOnDisk, convert, cues_of, put, take_tracks
from media_worker.subtitles.fonts import Font, font_for, lay_out
from media_worker.subtitles.forms import ASS, MKV, SRT, WEBM, Container, containers_like
from media_worker.subtitles.languages import bcp47_language
from media_worker.subtitles.muxing import UnsuitableContainer, run_into
from media_worker.subtitles.reading import read_subtitles
from media_worker.subtitles.tracks import chosen_track

STAGE = "burn_in"

_FONTS = "fonts"
_H264 = ("-c:v", "libx264", "-preset", "medium", "-crf", "20", "-pix_fmt", "yuv420p")
_VP9 = (
    *("-c:v", "libvpx-vp9", "-crf", "31", "-b:v", "0", "-deadline", "good"),
    *("-cpu-used", "4", "-row-mt", "1", "-pix_fmt", "yuv420p"),
)
_MISSING_GLYPH = re.compile(r"failed to find any fallback with glyph 0x([0-9A-Fa-f]{1,6})")
_MOST_TRIED_CHARACTERS = 4000
_DURATION_SLACK_SECONDS = 5.0
_TOLERANCE_SECONDS = 0.05


class BurnInSubtitlesHandler:
    """Draws subtitles into the pictures of a video."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.burn_in_subtitles
        with self._sessions.open(attempt) as session, session.input(wanted.source) as source:
            info = session.probe(source)
            video = _video(info, session.limits.max_duration_seconds)
            subtitles, language = _subtitles(session, source, info, wanted)
            cues = cues_of(session, subtitles)
            font = font_for("".join(cue.words for cue in cues), language)
            lay_out(font, session.directory / _FONTS)
            _check_glyphs(session, cues, font)
            # Written by ffmpeg: whatever reads it will take it for what it is.
            drawn = convert(session, subtitles, ASS, "drawn.ass")
            # A file with styles of its own keeps them.
            family = "" if subtitles.form is ASS else font.family
            suffix = f".{language}" if language not in {"", "und"} else ""
            stem = f"{output_stem(wanted.source.filename)}.burned-in{suffix}"
            for container in _containers(info, wanted.source.filename):
                try:
                    output = _burned(session, source, info, video, drawn, family, container, stem)
                except UnsuitableContainer:
                    continue
                return session.result([output])
            raise StepFailure(FailureReason.CONTAINER_UNSUITABLE)


def _video(info: MediaInfo, most_seconds: float) -> StreamInfo:
    video = info.best(StreamKind.VIDEO)
    if video is None:
        raise StepFailure(
            FailureReason.NO_SUCH_STREAM,
            "The file has no video stream.",
            metadata={"stream": "video"},
        )
    if info.duration_seconds > most_seconds:
        raise refused("DURATION_LIMIT", "The file plays for longer than is processed.")
    return video


def _subtitles(
    session: FfmpegSession,
    source: SourceAccess,
    info: MediaInfo,
    wanted: lease_pb2.BurnInSubtitlesWork,
) -> tuple[SubtitlesOnDisk, str]:
    """Return the subtitles and their language by BCP 47."""
    if wanted.WhichOneof("subtitles") == "track":
        track = chosen_track(info, wanted.track)
        (taken,) = take_tracks(session, source, [track])
        return taken, bcp47_language(track.language)
    order = wanted.file
    text, form = read_subtitles(order.subtitles, order.charset, session.attempt)
    return put(session, f"given.{form.extension}", text, form), order.language


def _check_glyphs(session: FfmpegSession, cues: Iterable[Cue], font: Font) -> None:
    """Draw every letter once, so that none is found missing after hours of encoding.

    Raises StepFailure: FONT_MISSING.
    """
    letters = sorted({letter for cue in cues for letter in cue.words if _matters(letter)})
    sample = " ".join(letters[:_MOST_TRIED_CHARACTERS])
    trial = put(session, "letters.srt", write_cues([Cue(0, 10_000, sample)]), SRT)
    drawn = convert(session, trial, ASS, "letters.ass")
    result = session.run(glyph_arguments(drawn.name, _FONTS, font.family))
    missing = {chr(int(code, 16)) for code in _MISSING_GLYPH.findall(result.stderr)}
    lacking = sorted(letter for letter in missing if _matters(letter))
    if lacking:
        codes = ", ".join(f"U+{ord(letter):04X}" for letter in lacking[:20])
        raise StepFailure(FailureReason.FONT_MISSING, metadata={"characters": codes})


def _matters(character: str) -> bool:
    """Tell whether a text cannot be read without it: letters, their marks, and digits."""
    return unicodedata.category(character)[0] in "LMN"


def _containers(info: MediaInfo, filename: str) -> tuple[Container, ...]:
    return tuple(dict.fromkeys((*containers_like(info, filename), MKV)))


def _burned(
    session: FfmpegSession,
    source: SourceAccess,
    info: MediaInfo,
    video: StreamInfo,
    drawn: SubtitlesOnDisk,
    family: str,
    container: Container,
    stem: str,
) -> Output:
    progress = MediaProgress(info.duration_seconds, video.span.packet_count if video.span else None)
    path = session.directory / f"burned.{container.extension}"
    arguments = burn_in_arguments(
        source,
        video_index=video.index,
        audio_indexes=[s.index for s in info.streams if s.kind is StreamKind.AUDIO],
        subtitles_name=drawn.name,
        fonts_directory=_FONTS,
        font=family,
        container=container,
        video_arguments=_VP9 if container is WEBM else _H264,
        threads=session.limits.threads,
        max_seconds=info.duration_seconds + _DURATION_SLACK_SECONDS,
        output_name=path.name,
    )
    try:
        with tracer(__name__).start_as_current_span("ffmpeg.burn_in"):
            run_into(session, arguments, progress, STAGE)
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify"):
            output = session.access(path.name, formats=(container.demuxer,))
            found = check(session.context, output, has_video=True)
            _verify(found, info, video, progress.frames_encoded)
        made = session.attempt.output_file(
            f"{stem}.{container.extension}", container.media_type, path
        )
    finally:
        path.unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return made


def _verify(
    output: MediaInfo, source: MediaInfo, source_video: StreamInfo, frames_encoded: int
) -> None:
    video = output.best(StreamKind.VIDEO)
    if video is None or video.span is None or source_video.span is None:
        raise invalid("video_streams")
    audio = [[s for s in info.streams if s.kind is StreamKind.AUDIO] for info in (output, source)]
    if len(audio[0]) != len(audio[1]):
        raise invalid("audio_streams")
    tolerance = max(_TOLERANCE_SECONDS, source_video.span.frame_seconds)
    before, after = source_video.span, video.span
    if after.packet_count != frames_encoded:
        raise invalid("video_frames")
    shown = after.last_start_seconds - after.start_seconds
    if abs(shown - (before.last_start_seconds - before.start_seconds)) > tolerance + 0.002:
        raise invalid("video_duration")
