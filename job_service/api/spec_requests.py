"""From a client's spec to the domain's: one reader a kind of job.

What is checked here is form alone; whether an address is public, a file is of
its format, or a pair exists is found out by others.
"""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.api import checks, spec_checks
from job_service.api.language_requests import languages
from job_service.api.option_requests import options
from job_service.api.segment_messages import read_segments
from job_service.api.subtitle_requests import localize_video, process_subtitles
from job_service.api.transcode_messages import read_options
from job_service.api.validation import Violations
from job_service.domain.spec import (
    JobSpec,
    Transcode,
    TranslateDocument,
    TranslateRecords,
    TranslateText,
    TranslateUrl,
)
from job_service.domain.translation import DocumentTwins, TranslationOptions

_NO_ID = UUID(int=0)
# Stands for a value that was found wrong; the request is refused before it is used.
_WRONG = ""


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """A spec, and the chat model's key that came with it: it is kept apart from then on."""

    spec: JobSpec
    chat_api_key: str = ""

    def __repr__(self) -> str:
        """Tell of the spec alone."""
        return f"ReadSpec({self.spec!r})"


def read_spec(spec: job_pb2.JobSpec, violations: Violations, path: str) -> ReadSpec:
    """Read what the client wants done."""
    kind = spec.WhichOneof("kind")
    here = f"{path}.{kind}"
    match kind:
        case "translate_text":
            read = _translate_text(spec.translate_text, violations, here)
            given = spec.translate_text.options
        case "translate_document":
            read = _translate_document(spec.translate_document, violations, here)
            given = spec.translate_document.options
        case "translate_url":
            read = _translate_url(spec.translate_url, violations, here)
            given = spec.translate_url.options
        case "translate_records":
            read = _translate_records(spec.translate_records, violations, here)
            given = spec.translate_records.options
        case "localize_video":
            read = localize_video(spec.localize_video, violations, here)
            given = spec.localize_video.options
        case "process_subtitles":
            return ReadSpec(process_subtitles(spec.process_subtitles, violations, here))
        case "transcode":
            return ReadSpec(_transcode(spec.transcode, violations, here))
        case _:
            violations.add(path, "Exactly one kind of work must be set.", "REQUIRED")
            return ReadSpec(Transcode(artifact_id=_NO_ID, preset=_WRONG))
    return ReadSpec(read, given.chat_model.api_key)


def _translate_text(
    spec: translation_pb2.TranslateTextSpec, violations: Violations, path: str
) -> JobSpec:
    text: str | None = None
    artifact_id: UUID | None = None
    source = spec.WhichOneof("source")
    if source == "text":
        text = violations.check(f"{path}.text", lambda: checks.source_text(spec.text), _WRONG)
    elif source == "artifact_id":
        artifact_id = _artifact_id(spec.artifact_id, violations, path)
    else:
        violations.add(f"{path}.text", "Set text or artifact_id.", "REQUIRED")
    tags = languages(spec.source_language, spec.target_languages, violations, path)
    return TranslateText(
        source_language=tags[0],
        target_languages=tags[1],
        text=text,
        artifact_id=artifact_id,
        engine=_optional_name(spec.engine, f"{path}.engine", violations),
        options=_options(spec.options, violations, path),
    )


def _translate_document(
    spec: translation_pb2.TranslateDocumentSpec, violations: Violations, path: str
) -> JobSpec:
    tags = languages(spec.source_language, spec.target_languages, violations, path)
    return TranslateDocument(
        artifact_id=_artifact_id(spec.artifact_id, violations, path),
        source_language=tags[0],
        target_languages=tags[1],
        format=_optional_name(spec.format, f"{path}.format", violations),
        options=_options(spec.options, violations, path),
        twins=DocumentTwins(bilingual=spec.twins.bilingual, xliff=spec.twins.xliff),
    )


def _translate_url(
    spec: translation_pb2.TranslateUrlSpec, violations: Violations, path: str
) -> JobSpec:
    tags = languages(spec.source_language, spec.target_languages, violations, path)
    return TranslateUrl(
        url=violations.check(f"{path}.url", lambda: spec_checks.web_address(spec.url), _WRONG),
        source_language=tags[0],
        target_languages=tags[1],
        format=_optional_name(spec.format, f"{path}.format", violations),
        options=_options(spec.options, violations, path),
        twins=DocumentTwins(bilingual=spec.twins.bilingual, xliff=spec.twins.xliff),
    )


def _translate_records(
    spec: translation_pb2.TranslateRecordsSpec, violations: Violations, path: str
) -> JobSpec:
    tags = languages(spec.source_language, spec.target_languages, violations, path)
    if not 1 <= len(spec.target_fields) <= spec_checks.MAX_TARGET_FIELDS:
        violations.add(
            f"{path}.target_fields",
            f"There are {len(spec.target_fields)}; from 1 to "
            f"{spec_checks.MAX_TARGET_FIELDS} are allowed.",
        )
    return TranslateRecords(
        records=violations.check(
            f"{path}.records", lambda: spec_checks.records(spec.records), _WRONG
        ),
        target_fields=tuple(
            violations.check(
                f"{path}.target_fields[{index}]", partial(spec_checks.target_field, name), _WRONG
            )
            for index, name in enumerate(spec.target_fields[: spec_checks.MAX_TARGET_FIELDS])
        ),
        source_language=tags[0],
        target_languages=tags[1],
        code_filter=spec.code_filter,
        options=_options(spec.options, violations, path),
        output_prefix=violations.check(
            f"{path}.output_prefix", lambda: spec_checks.output_prefix(spec.output_prefix), _WRONG
        ),
    )


def _transcode(spec: media_pb2.TranscodeSpec, violations: Violations, path: str) -> Transcode:
    return Transcode(
        artifact_id=_artifact_id(spec.artifact_id, violations, path),
        preset=violations.check(f"{path}.preset", lambda: checks.name(spec.preset), _WRONG),
        options=read_options(spec.options, violations, f"{path}.options"),
        segments=read_segments(spec.segments, violations, f"{path}.segments"),
    )


def _options(
    given: translation_pb2.TranslationOptions, violations: Violations, path: str
) -> TranslationOptions:
    return options(given, violations, f"{path}.options")


def _artifact_id(text: str, violations: Violations, path: str) -> UUID:
    return violations.check(f"{path}.artifact_id", lambda: checks.uuid_of(text), _NO_ID)


def _optional_name(text: str, path: str, violations: Violations) -> str:
    return violations.check(path, lambda: checks.name(text, required=False), _WRONG)
