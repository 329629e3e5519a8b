"""From the domain's specs to messages, as the client gave them, without any key."""

import json

from google.protobuf.struct_pb2 import Struct

from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import glossary_pb2, translation_pb2
from job_service.api.segment_messages import write_segments
from job_service.api.subtitle_answers import localize_video, process_subtitles
from job_service.api.transcode_messages import write_options
from job_service.domain.spec import (
    JobSpec,
    Media,
    Transcode,
    TranslateDocument,
    TranslateRecords,
    TranslateText,
    TranslateUrl,
)
from job_service.domain.subtitles import LocalizeVideo, ProcessSubtitles
from job_service.domain.translation import DocumentTwins, GlossaryTerm, TranslationOptions


def spec(found: JobSpec, *, listed: bool = False) -> job_pb2.JobSpec:
    """Write a spec; one of a list is without what lies inline."""
    if isinstance(found, TranslateText):
        return job_pb2.JobSpec(translate_text=_translate_text(found, listed=listed))
    if isinstance(found, TranslateDocument):
        return job_pb2.JobSpec(
            translate_document=translation_pb2.TranslateDocumentSpec(
                artifact_id=str(found.artifact_id),
                format=found.format,
                source_language=found.source_language,
                target_languages=found.target_languages,
                options=_given_options(found.options),
                twins=_given_twins(found.twins),
            )
        )
    if isinstance(found, TranslateUrl):
        return job_pb2.JobSpec(
            translate_url=translation_pb2.TranslateUrlSpec(
                url=found.url,
                format=found.format,
                source_language=found.source_language,
                target_languages=found.target_languages,
                options=_given_options(found.options),
                twins=_given_twins(found.twins),
            )
        )
    if isinstance(found, TranslateRecords):
        return job_pb2.JobSpec(translate_records=_translate_records(found, listed=listed))
    return _media(found)


def _media(found: LocalizeVideo | Media) -> job_pb2.JobSpec:
    if isinstance(found, LocalizeVideo):
        return job_pb2.JobSpec(localize_video=localize_video(found, _given_options(found.options)))
    if isinstance(found, ProcessSubtitles):
        return job_pb2.JobSpec(process_subtitles=process_subtitles(found))
    return job_pb2.JobSpec(transcode=_transcode(found))


def options(found: TranslationOptions, api_key: str = "") -> translation_pb2.TranslationOptions:
    """Write options; with `api_key` they are for a worker and for nobody else."""
    message = translation_pb2.TranslationOptions(
        engines=found.engines,
        tone=translation_pb2.Tone.Value(f"TONE_{found.tone or 'UNSPECIFIED'}"),
        domain=found.domain,
        glossary_ids=[str(glossary_id) for glossary_id in found.glossary_ids],
        glossary_terms=[term(each) for each in found.glossary_terms],
        without_memory=found.without_memory,
    )
    if found.chat_model is not None:
        message.chat_model.base_url = found.chat_model.base_url
        message.chat_model.model_name = found.chat_model.model_name
        message.chat_model.api_key = api_key
    if found.budget.max_characters or found.budget.max_tokens:
        message.budget.max_characters = found.budget.max_characters
        message.budget.max_tokens = found.budget.max_tokens
    return message


def twins(found: DocumentTwins) -> translation_pb2.DocumentTwins:
    """Write which files to make besides."""
    return translation_pb2.DocumentTwins(bilingual=found.bilingual, xliff=found.xliff)


def term(found: GlossaryTerm) -> glossary_pb2.GlossaryTerm:
    """Write a term."""
    return glossary_pb2.GlossaryTerm(
        source=found.source,
        target=found.target,
        target_language=found.target_language,
        case_sensitive=found.case_sensitive,
    )


def _given_options(found: TranslationOptions) -> translation_pb2.TranslationOptions | None:
    """Leave the field absent where nothing was asked for."""
    return None if found == TranslationOptions() else options(found)


def _given_twins(found: DocumentTwins) -> translation_pb2.DocumentTwins | None:
    return None if found == DocumentTwins() else twins(found)


def _translate_text(found: TranslateText, *, listed: bool) -> translation_pb2.TranslateTextSpec:
    message = translation_pb2.TranslateTextSpec(
        source_language=found.source_language,
        target_languages=found.target_languages,
        engine=found.engine,
        options=_given_options(found.options),
    )
    if found.artifact_id is not None:
        message.artifact_id = str(found.artifact_id)
    elif found.text is not None and not listed:
        message.text = found.text
    return message


def _translate_records(
    found: TranslateRecords, *, listed: bool
) -> translation_pb2.TranslateRecordsSpec:
    message = translation_pb2.TranslateRecordsSpec(
        target_fields=found.target_fields,
        code_filter=found.code_filter,
        source_language=found.source_language,
        target_languages=found.target_languages,
        options=_given_options(found.options),
        output_prefix=found.output_prefix,
    )
    if found.records is not None and not listed:
        for given in json.loads(found.records):
            record = Struct()
            record.update(given)
            message.records.append(record)
    return message


def _transcode(found: Transcode) -> media_pb2.TranscodeSpec:
    return media_pb2.TranscodeSpec(
        artifact_id=str(found.artifact_id),
        preset=found.preset,
        options=write_options(found.options),
        segments=write_segments(found.segments),
    )
