"""Builds the specs of translations from what users say. Pure functions only."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from google.protobuf import json_format, struct_pb2

from babelmill.client.errors import InvalidArgument
from babelmill.client.requests import artifact_id_of
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.translation.v1 import glossary_pb2, translation_pb2

_LARGEST_EXACT_INTEGER = 2**53
# Protobuf reads at most 100 messages inside each other, and a level of JSON is up to three.
_DEEPEST_RECORD = 24

ToneName: TypeAlias = Literal["neutral", "formal", "informal"]

_TONES: Mapping[str, translation_pb2.Tone.ValueType] = {
    "": translation_pb2.TONE_UNSPECIFIED,
    "neutral": translation_pb2.TONE_NEUTRAL,
    "formal": translation_pb2.TONE_FORMAL,
    "informal": translation_pb2.TONE_INFORMAL,
}


def parse_tone(name: str) -> translation_pb2.Tone.ValueType:
    """Read a tone's word in any case. Raises InvalidArgument with the words."""
    try:
        return _TONES[name.lower()]
    except KeyError:
        words = ", ".join(word for word in _TONES if word)
        raise InvalidArgument(f"there is no tone {name!r}; there are: {words}") from None


def chat_model(base_url: str, model_name: str, api_key: str = "") -> translation_pb2.ChatModel:
    """Describe a model behind an OpenAI-compatible API; the service keeps the key encrypted."""
    return translation_pb2.ChatModel(base_url=base_url, model_name=model_name, api_key=api_key)


def term(
    source: str, target: str = "", target_language: str = "", *, case_sensitive: bool = False
) -> glossary_pb2.GlossaryTerm:
    """Describe how a term is translated; without a target it stays as it is."""
    return glossary_pb2.GlossaryTerm(
        source=source,
        target=target,
        target_language=target_language,
        case_sensitive=case_sensitive,
    )


def options(
    *,
    engines: Sequence[str] = (),
    tone: ToneName | Literal[""] = "",
    domain: str = "",
    chat: translation_pb2.ChatModel | None = None,
    glossary_ids: Iterable[str] = (),
    terms: Iterable[glossary_pb2.GlossaryTerm] = (),
    max_characters: int = 0,
    max_tokens: int = 0,
    without_memory: bool = False,
) -> translation_pb2.TranslationOptions:
    """Describe how to translate. Raises InvalidArgument for an unknown tone.

    `engines` are tried in order; `domain` is told to chat models; a limit of 0 is none.
    """
    described = translation_pb2.TranslationOptions(
        engines=engines,
        tone=parse_tone(tone),
        domain=domain,
        chat_model=chat,
        glossary_ids=glossary_ids,
        glossary_terms=terms,
        without_memory=without_memory,
    )
    if max_characters or max_tokens:
        described.budget.max_characters = max_characters
        described.budget.max_tokens = max_tokens
    return described


def document_spec(
    artifact: str | artifact_pb2.Artifact,
    source: str,
    targets: Sequence[str] | str,
    *,
    document_format: str = "",
    how: translation_pb2.TranslationOptions | None = None,
    bilingual: bool = False,
    xliff: bool = False,
) -> job_pb2.JobSpec:
    """Describe the translation of an uploaded file; an empty source language is detected."""
    spec = translation_pb2.TranslateDocumentSpec(
        artifact_id=artifact_id_of(artifact),
        format=document_format,
        source_language=source,
        target_languages=_listed(targets),
        options=how,
        twins=_twins(bilingual, xliff),
    )
    return job_pb2.JobSpec(translate_document=spec)


def url_spec(
    url: str,
    source: str,
    targets: Sequence[str] | str,
    *,
    document_format: str = "",
    how: translation_pb2.TranslationOptions | None = None,
    bilingual: bool = False,
    xliff: bool = False,
) -> job_pb2.JobSpec:
    """Describe the translation of what a public address serves."""
    spec = translation_pb2.TranslateUrlSpec(
        url=url,
        format=document_format,
        source_language=source,
        target_languages=_listed(targets),
        options=how,
        twins=_twins(bilingual, xliff),
    )
    return job_pb2.JobSpec(translate_url=spec)


def records_spec(
    records: Iterable[Mapping[str, object]],
    fields: Sequence[str],
    source: str,
    targets: Sequence[str] | str,
    *,
    code_filter: bool = False,
    output_prefix: str = "",
    how: translation_pb2.TranslationOptions | None = None,
) -> job_pb2.JobSpec:
    """Describe the translation of fields of records. Raises InvalidArgument for no JSON."""
    spec = translation_pb2.TranslateRecordsSpec(
        records=[_struct(record) for record in records],
        target_fields=fields,
        code_filter=code_filter,
        source_language=source,
        target_languages=_listed(targets),
        options=how,
        output_prefix=output_prefix,
    )
    return job_pb2.JobSpec(translate_records=spec)


def _listed(targets: Sequence[str] | str) -> list[str]:
    return [targets] if isinstance(targets, str) else list(targets)


def _twins(bilingual: bool, xliff: bool) -> translation_pb2.DocumentTwins | None:
    if not (bilingual or xliff):
        return None
    return translation_pb2.DocumentTwins(bilingual=bilingual, xliff=xliff)


def _struct(record: Mapping[str, object]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    if not isinstance(record, Mapping) or not _is_exact(record, _DEEPEST_RECORD):
        raise InvalidArgument(
            "a record must be an object, with numbers of at most 53 bits and no NaN, "
            f"that nests at most {_DEEPEST_RECORD} levels deep"
        )
    try:
        json_format.ParseDict(dict(record), message)
    except (json_format.ParseError, ValueError, TypeError) as error:
        raise InvalidArgument("a record holds what JSON cannot") from error
    return message


def _is_exact(value: object, levels: int) -> bool:
    """Tell whether a value is the same in the contract's JSON: in doubles, and few levels."""
    if isinstance(value, Mapping | list | tuple):
        inside = value.values() if isinstance(value, Mapping) else value
        return levels > 0 and all(_is_exact(each, levels - 1) for each in inside)
    if isinstance(value, int):
        return abs(value) <= _LARGEST_EXACT_INTEGER
    return not isinstance(value, float) or math.isfinite(value)
