"""What a client can ask for: one frozen class for each kind of job."""

from dataclasses import dataclass, field
from uuid import UUID

from job_service.domain.segments import Segments
from job_service.domain.subtitles import LocalizeVideo, ProcessSubtitles
from job_service.domain.transcode_options import TranscodeOptions
from job_service.domain.translation import DocumentTwins, TranslationOptions


@dataclass(frozen=True, slots=True)
class TranslateText:
    """Plain text into other languages; exactly one of text and artifact_id is set.

    An empty source language, here and below, is to be detected.
    """

    source_language: str
    target_languages: tuple[str, ...]
    text: str | None = None
    artifact_id: UUID | None = None
    engine: str = ""
    options: TranslationOptions = field(default_factory=TranslationOptions)

    kind = "translate_text"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateDocument:
    """A file into other languages; an empty format is told by the file."""

    artifact_id: UUID
    source_language: str
    target_languages: tuple[str, ...]
    format: str = ""
    options: TranslationOptions = field(default_factory=TranslationOptions)
    twins: DocumentTwins = field(default_factory=DocumentTwins)

    kind = "translate_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateUrl:
    """What a public address serves into other languages."""

    url: str
    source_language: str
    target_languages: tuple[str, ...]
    format: str = ""
    options: TranslationOptions = field(default_factory=TranslationOptions)
    twins: DocumentTwins = field(default_factory=DocumentTwins)

    kind = "translate_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateRecords:
    """Chosen fields of records; `records` is a JSON list of objects, None where it is left out."""

    records: str | None
    target_fields: tuple[str, ...]
    source_language: str
    target_languages: tuple[str, ...]
    code_filter: bool = False
    options: TranslationOptions = field(default_factory=TranslationOptions)
    output_prefix: str = ""

    kind = "translate_records"


@dataclass(frozen=True, slots=True)
class Transcode:
    """A media file into the form that a preset names."""

    artifact_id: UUID
    preset: str
    options: TranscodeOptions = field(default_factory=TranscodeOptions)
    segments: Segments = field(default_factory=Segments)

    kind = "transcode"


Document = TranslateDocument | TranslateUrl | TranslateRecords
Translation = TranslateText | Document | LocalizeVideo
Media = Transcode | ProcessSubtitles
JobSpec = Translation | Media


@dataclass(frozen=True, slots=True)
class InlineSource:
    """An input that came within the spec; it is kept as an artifact of the job's own."""

    filename: str
    media_type: str
    data: bytes


def inline_source(spec: JobSpec) -> InlineSource | None:
    """Return what the spec itself brings to be translated."""
    if isinstance(spec, TranslateText) and spec.text is not None:
        return InlineSource("text.txt", "text/plain", spec.text.encode())
    if isinstance(spec, TranslateRecords) and spec.records is not None:
        return InlineSource("records.json", "application/json", spec.records.encode())
    return None


def input_artifact_ids(spec: JobSpec) -> tuple[UUID, ...]:
    """Name the artifacts that must be READY before the job can be accepted."""
    if isinstance(spec, ProcessSubtitles | LocalizeVideo):
        return spec.artifact_ids
    if isinstance(spec, TranslateUrl | TranslateRecords) or spec.artifact_id is None:
        return ()
    return (spec.artifact_id,)


def options_of(spec: JobSpec) -> TranslationOptions | None:
    """Return the options of a translation."""
    return None if isinstance(spec, Media) else spec.options


def needs_api_key(spec: JobSpec) -> bool:
    """Tell whether the job was given a chat model's key."""
    options = options_of(spec)
    return options is not None and options.chat_model is not None and options.chat_model.has_api_key
