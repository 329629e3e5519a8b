"""What a lease asks a media worker to do about subtitles: from a step's settings to Work."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from babelmill.jobs.v1 import lease_pb2
from job_service.api import checks, subtitle_answers
from job_service.api.stored_contents import stored_content
from job_service.api.validation import Violations
from job_service.application.leasing import GrantedLease
from job_service.domain.plan_localize import ORIGINAL, TRACKS, FoundSubtitles
from job_service.domain.step_inputs import FILES, SOURCE
from job_service.domain.subtitles import (
    ConvertSubtitles,
    ExtractSubtitles,
    SubtitleFile,
    read_container,
    read_file,
    read_operation,
    read_track,
)

# Any: what JSON holds, written by the planners.
_Settings = Mapping[str, Any]


def process_subtitles(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask for files of subtitles."""
    message = lease_pb2.ProcessSubtitlesWork(source=_source(granted, settings))
    match read_operation(settings["operation"]):
        case ExtractSubtitles() as operation:
            message.extract.CopyFrom(subtitle_answers.extract(operation))
        case ConvertSubtitles() as operation:
            message.convert.CopyFrom(subtitle_answers.convert(operation))
        case other:
            raise TypeError(other)
    return lease_pb2.Work(process_subtitles=message)


def extract_subtitles(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask for the subtitles that a video is to be localized from."""
    message = lease_pb2.ExtractSubtitlesWork(
        source=_source(granted, settings),
        source_language=settings["source_language"],
        charset=settings.get("charset", ""),
    )
    if FILES in settings:
        message.file.CopyFrom(_content(granted, settings[FILES][0]))
    elif "track" in settings:
        message.track.CopyFrom(subtitle_answers.track(read_track(settings["track"])))
    return lease_pb2.Work(extract_subtitles=message)


def mux_tracks(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask for a media file with more tracks: of files, or of the languages that are there."""
    if "tracks" in settings:
        tracks = [_file(granted, read_file(form)) for form in settings["tracks"]]
    else:
        made = [
            *((settings["source_language"], part) for part in granted.parts.get(ORIGINAL, ())),
            *zip(settings["languages"], granted.parts[TRACKS], strict=True),
        ]
        # A language that has failed has put nothing out.
        tracks = [
            lease_pb2.TrackToMux(subtitles=stored_content(part), language=language, charset="utf-8")
            for language, part in made
            if part is not None
        ]
    return lease_pb2.Work(
        mux_tracks=lease_pb2.MuxTracksWork(
            source=_source(granted, settings),
            tracks=tracks,
            container=subtitle_answers.container(read_container(settings)),
            replace=settings["replace"],
        )
    )


def burn_in_subtitles(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask for a video with subtitles in its pictures."""
    message = lease_pb2.BurnInSubtitlesWork(source=_source(granted, settings))
    if "track" in settings:
        message.track.CopyFrom(subtitle_answers.track(read_track(settings["track"])))
    elif "file" in settings:
        message.file.CopyFrom(_file(granted, read_file(settings["file"])))
    else:
        (part,) = granted.parts[TRACKS]
        message.file.subtitles.CopyFrom(stored_content(part))
        message.file.language = settings["language"]
        message.file.charset = "utf-8"
    return lease_pb2.Work(burn_in_subtitles=message)


def found_subtitles(message: lease_pb2.FoundSubtitles, violations: Violations) -> FoundSubtitles:
    """Read what an extract_subtitles step has found."""
    language = message.language
    if language:
        language = violations.check(
            "found_subtitles.language", lambda: checks.language_tag(message.language), ""
        )
    return FoundSubtitles(
        filename=message.filename,
        format=violations.check("found_subtitles.format", lambda: checks.name(message.format), ""),
        language=language,
        cues=violations.check("found_subtitles.cues", lambda: checks.not_negative(message.cues), 0),
    )


def _file(granted: GrantedLease, file: SubtitleFile) -> lease_pb2.TrackToMux:
    return lease_pb2.TrackToMux(
        subtitles=_content(granted, str(file.artifact_id)),
        language=file.language,
        title=file.title,
        charset=file.charset,
        is_default=file.is_default,
        is_forced=file.is_forced,
    )


def _source(granted: GrantedLease, settings: _Settings) -> lease_pb2.StoredContent:
    return _content(granted, settings[SOURCE])


def _content(granted: GrantedLease, artifact_id: str) -> lease_pb2.StoredContent:
    return stored_content(granted.inputs.get(UUID(artifact_id)))
