"""From the domain's wishes about subtitles to messages, as the client gave them."""

from babelmill.media.v1 import localize_pb2, subtitles_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.domain.subtitles import (
    BurnInSubtitles,
    ConvertSubtitles,
    ExtractSubtitles,
    LocalizeVideo,
    MediaContainer,
    MuxSubtitles,
    ProcessSubtitles,
    SubtitleFile,
    SubtitleFormat,
    SubtitleSource,
    TrackChoice,
)


def process_subtitles(found: ProcessSubtitles) -> subtitles_pb2.ProcessSubtitlesSpec:
    """Write what is to be done to the subtitles of a file."""
    message = subtitles_pb2.ProcessSubtitlesSpec(artifact_id=str(found.artifact_id))
    match found.operation:
        case ExtractSubtitles() as operation:
            message.extract.CopyFrom(extract(operation))
        case ConvertSubtitles() as operation:
            message.convert.CopyFrom(convert(operation))
        case MuxSubtitles(files, wanted, replace):
            message.mux.SetInParent()
            message.mux.files.extend(_file(file) for file in files)
            message.mux.container = container(wanted)
            message.mux.replace = replace
        case BurnInSubtitles(SubtitleFile() as file):
            message.burn_in.file.CopyFrom(_file(file))
        case BurnInSubtitles(TrackChoice() as chosen):
            message.burn_in.track.CopyFrom(track(chosen))
    return message


def localize_video(
    found: LocalizeVideo, options: translation_pb2.TranslationOptions | None
) -> localize_pb2.LocalizeVideoSpec:
    """Write how a video is to be localized."""
    message = localize_pb2.LocalizeVideoSpec(
        artifact_id=str(found.artifact_id),
        source_language=found.source_language,
        target_languages=found.target_languages,
        options=options,
        container=container(found.container),
        replace=found.replace,
        burn_in_language=found.burn_in_language,
    )
    if isinstance(found.subtitles, SubtitleSource):
        message.file.artifact_id = str(found.subtitles.artifact_id)
        message.file.charset = found.subtitles.charset
    elif found.subtitles is not None:
        message.track.CopyFrom(track(found.subtitles))
    return message


def extract(found: ExtractSubtitles) -> subtitles_pb2.ExtractSubtitles:
    """Write which tracks are taken out."""
    return subtitles_pb2.ExtractSubtitles(
        track=None if found.track is None else track(found.track),
        format=_format(found.format),
    )


def convert(found: ConvertSubtitles) -> subtitles_pb2.ConvertSubtitles:
    """Write into what a file is changed."""
    return subtitles_pb2.ConvertSubtitles(format=_format(found.format), charset=found.charset)


def track(found: TrackChoice) -> subtitles_pb2.TrackChoice:
    """Write which track is meant."""
    if found.language:
        return subtitles_pb2.TrackChoice(language=found.language)
    return subtitles_pb2.TrackChoice(index=found.index)


def container(found: MediaContainer | None) -> subtitles_pb2.MediaContainer.ValueType:
    """Write a container's word."""
    return subtitles_pb2.MediaContainer.Value(f"MEDIA_CONTAINER_{found or 'UNSPECIFIED'}")


def _format(found: SubtitleFormat | None) -> subtitles_pb2.SubtitleFormat.ValueType:
    return subtitles_pb2.SubtitleFormat.Value(f"SUBTITLE_FORMAT_{found or 'UNSPECIFIED'}")


def _file(found: SubtitleFile) -> subtitles_pb2.SubtitleFile:
    return subtitles_pb2.SubtitleFile(
        artifact_id=str(found.artifact_id),
        language=found.language,
        title=found.title,
        charset=found.charset,
        is_default=found.is_default,
        is_forced=found.is_forced,
    )
