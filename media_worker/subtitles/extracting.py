"""The handlers that make subtitle files: of a media file's tracks, or of another format."""

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.process.telemetry import tracer
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import Attempt, Output, Result, StepFailure
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.session import FfmpegSession, FfmpegSessions
from media_worker.presets.naming import output_stem
from media_worker.subtitles.files import (
    SubtitlesOnDisk,
    convert,
    cues_of,
    put,
    take_tracks,
)
from media_worker.subtitles.forms import FORMS
from media_worker.subtitles.languages import bcp47_language
from media_worker.subtitles.reading import read_subtitles
from media_worker.subtitles.tracks import chosen_track, text_tracks, track_to_translate


class ProcessSubtitlesHandler:
    """Takes tracks out of a media file, or changes a subtitle file's format."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.process_subtitles
        with self._sessions.open(attempt) as session:
            if wanted.WhichOneof("operation") == "convert":
                return session.result([_converted(session, wanted)])
            return session.result(_extracted(session, wanted))


class ExtractSubtitlesHandler:
    """Finds the subtitles that a video is to be localized from."""

    def __init__(self, sessions: FfmpegSessions) -> None:
        self._sessions = sessions

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt. Raises StepFailure; lets StepStopped pass."""
        wanted = work.extract_subtitles
        with self._sessions.open(attempt) as session:
            with session.input(wanted.source) as source:
                info = session.probe(source)
                _check_is_video(info)
                language = ""
                if wanted.WhichOneof("subtitles") == "file":
                    text, form = read_subtitles(wanted.file, wanted.charset, attempt)
                    found = put(session, f"given.{form.extension}", text, form)
                else:
                    track = _track(info, wanted)
                    language = bcp47_language(track.language)
                    with tracer(__name__).start_as_current_span("ffmpeg.extract_subtitles"):
                        (found,) = take_tracks(session, source, [track])
            cues = cues_of(session, found)
            output = _output(session, found, output_stem(wanted.source.filename))
        result = session.result([output])
        return Result(
            outputs=result.outputs,
            usage=result.usage,
            found_subtitles=lease_pb2.FoundSubtitles(
                filename=output.filename,
                format=found.form.name,
                language=language,
                cues=len(cues),
            ),
        )


def _converted(session: FfmpegSession, wanted: lease_pb2.ProcessSubtitlesWork) -> Output:
    to = FORMS[wanted.convert.format]
    text, form = read_subtitles(wanted.source, wanted.convert.charset, session.attempt)
    given = put(session, f"given.{form.extension}", text, form)
    cues_of(session, given)
    made = given if form is to else convert(session, given, to, f"made.{to.extension}")
    return _output(session, made, output_stem(wanted.source.filename))


def _extracted(session: FfmpegSession, wanted: lease_pb2.ProcessSubtitlesWork) -> list[Output]:
    with session.input(wanted.source) as source:
        info = session.probe(source)
        tracks = (
            (chosen_track(info, wanted.extract.track),)
            if wanted.extract.HasField("track")
            else text_tracks(info)
        )
        form = FORMS.get(wanted.extract.format)
        with tracer(__name__).start_as_current_span("ffmpeg.extract_subtitles"):
            taken = take_tracks(session, source, tracks, form)
    stem, used = output_stem(wanted.source.filename), set[str]()
    outputs = []
    for track, file in zip(tracks, taken, strict=True):
        tag = bcp47_language(track.language) or "und"
        label, number = tag, 1
        while label in used:
            number += 1
            label = f"{tag}.{number}"
        used.add(label)
        outputs.append(_output(session, file, f"{stem}.{label}"))
    return outputs


def _track(info: MediaInfo, wanted: lease_pb2.ExtractSubtitlesWork) -> StreamInfo:
    if wanted.WhichOneof("subtitles") == "track":
        return chosen_track(info, wanted.track)
    return track_to_translate(info, wanted.source_language)


def _check_is_video(info: MediaInfo) -> None:
    if info.best(StreamKind.VIDEO) is None:
        raise StepFailure(
            FailureReason.NO_SUCH_STREAM,
            "The file has no video stream.",
            metadata={"stream": "video"},
        )


def _output(session: FfmpegSession, file: SubtitlesOnDisk, stem: str) -> Output:
    name = f"{stem}.{file.form.extension}"
    return session.attempt.output_file(name, file.form.media_type, session.directory / file.name)
