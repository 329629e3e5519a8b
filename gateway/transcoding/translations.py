"""What a client asks of a translation, in JSON: the specs and their options.

Shapes and names are those of the contract; see `specs`. Numbers and lists that are out of bounds
are the job service's to refuse.
"""

import math
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from google.protobuf import json_format
from google.protobuf.message import Message
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from babelmill.translation.v1 import translation_pb2
from gateway.transcoding.glossaries import GlossaryTerm
from gateway.transcoding.words import RequestText

_LARGEST_INT64 = 2**63 - 1
_LARGEST_EXACT_INTEGER = 2**53
# Protobuf reads at most 100 messages inside each other, and a level of JSON is up to three.
_DEEPEST_RECORD = 24


def _is_absent(value: object) -> bool:
    return value is None


class ToneWord(StrEnum):
    """How a translation addresses its readers."""

    UNSPECIFIED = "unspecified"
    NEUTRAL = "neutral"
    FORMAL = "formal"
    INFORMAL = "informal"


class ChatModel(BaseModel):
    """A model behind an OpenAI-compatible chat completions API."""

    model_config = ConfigDict(extra="forbid")

    base_url: RequestText = Field(default="", examples=["https://llm.example/v1"])
    model_name: RequestText = ""
    api_key: RequestText = Field(
        default="",
        repr=False,
        description="Kept encrypted, for this job alone, until it ends; never sent back.",
    )


class Budget(BaseModel):
    """What a job must not exceed. 0 is no limit."""

    model_config = ConfigDict(extra="forbid")

    max_characters: int = Field(
        default=0,
        ge=-_LARGEST_INT64,
        le=_LARGEST_INT64,
        description="Of source text, times the target languages.",
    )
    max_tokens: int = Field(
        default=0,
        ge=-_LARGEST_INT64,
        le=_LARGEST_INT64,
        description="That chat models may take and give.",
    )


class TranslationOptions(BaseModel):
    """How to translate."""

    model_config = ConfigDict(extra="forbid")

    engines: list[RequestText] = Field(
        default_factory=list,
        description="To try in order, as `GET /v1/engines` lists; empty chooses the best route.",
    )
    tone: ToneWord = ToneWord.UNSPECIFIED
    domain: RequestText = Field(default="", description="Such as `legal`; for chat models.")
    chat_model: ChatModel | None = Field(
        default=None, exclude_if=_is_absent, description="For the engine `chat`."
    )
    glossary_ids: list[RequestText] = Field(default_factory=list)
    glossary_terms: list[GlossaryTerm] = Field(default_factory=list)
    budget: Budget | None = Field(default=None, exclude_if=_is_absent)
    without_memory: bool = Field(
        default=False, description="Neither reuse earlier translations nor keep these."
    )


class DocumentTwins(BaseModel):
    """Files to make besides the translated one."""

    model_config = ConfigDict(extra="forbid")

    bilingual: bool = Field(default=False, description="Source and translation, as HTML.")
    xliff: bool = Field(default=False, description="All segments, as XLIFF 2.0.")


def _require_contract_json(record: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if not _is_carried(record, _DEEPEST_RECORD):
        raise ValueError(
            f"must nest at most {_DEEPEST_RECORD} levels deep, and hold no lone surrogate and no "
            "number over 53 bits"
        )
    return record


def _is_carried(value: JsonValue, levels: int) -> bool:
    """Tell whether the contract's JSON carries a value unchanged: in doubles, UTF-8, few levels."""
    if isinstance(value, dict | list) and levels == 0:
        return False
    if isinstance(value, dict):
        return all(
            _is_carried(key, 0) and _is_carried(each, levels - 1) for key, each in value.items()
        )
    if isinstance(value, list):
        return all(_is_carried(each, levels - 1) for each in value)
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, int):
        return abs(value) <= _LARGEST_EXACT_INTEGER
    return not isinstance(value, float) or math.isfinite(value)


Record: TypeAlias = Annotated[dict[str, JsonValue], AfterValidator(_require_contract_json)]


class TranslateTextSpec(BaseModel):
    """Plain text into one or more other languages."""

    model_config = ConfigDict(extra="forbid", title="TranslateTextSpec")

    text: RequestText | None = Field(
        default=None,
        exclude_if=_is_absent,
        description="The text, up to 1 MiB of UTF-8. Give this or `artifact_id`. "
        "Left out in a list of jobs.",
    )
    artifact_id: RequestText | None = Field(
        default=None, exclude_if=_is_absent, description="An uploaded UTF-8 text."
    )
    source_language: RequestText = Field(
        default="", description="By BCP 47, such as `en`; empty detects it."
    )
    target_languages: list[RequestText] = Field(
        default_factory=list,
        description="By BCP 47, 1 to 32, each once. Each becomes a target.",
    )
    engine: RequestText = Field(
        default="", description="An engine by name; empty chooses the best route."
    )
    options: TranslationOptions | None = Field(default=None, exclude_if=_is_absent)

    @model_validator(mode="after")
    def _one_source(self) -> "TranslateTextSpec":
        if self.text is not None and self.artifact_id is not None:
            raise ValueError("give text or artifact_id, not both")
        return self


class TranslateDocumentSpec(BaseModel):
    """An uploaded file into other languages, each as a file that looks like the original."""

    model_config = ConfigDict(extra="forbid")

    artifact_id: RequestText = Field(default="", description="The uploaded file.")
    format: RequestText = Field(
        default="", description="As `GET /v1/formats` lists; empty: told by the content."
    )
    source_language: RequestText = Field(default="", description="By BCP 47; empty detects it.")
    target_languages: list[RequestText] = Field(default_factory=list)
    options: TranslationOptions | None = Field(default=None, exclude_if=_is_absent)
    twins: DocumentTwins | None = Field(default=None, exclude_if=_is_absent)


class TranslateUrlSpec(BaseModel):
    """What a public address serves into other languages."""

    model_config = ConfigDict(extra="forbid")

    url: RequestText = Field(default="", description="Of http or https, without credentials.")
    format: RequestText = ""
    source_language: RequestText = ""
    target_languages: list[RequestText] = Field(default_factory=list)
    options: TranslationOptions | None = Field(default=None, exclude_if=_is_absent)
    twins: DocumentTwins | None = Field(default=None, exclude_if=_is_absent)


class TranslateRecordsSpec(BaseModel):
    """Chosen fields of records into other languages."""

    model_config = ConfigDict(extra="forbid")

    records: list[Record] = Field(default_factory=list, description="1 to 10,000, up to 1 MiB.")
    target_fields: list[RequestText] = Field(
        default_factory=list,
        description="By name; `a.b` reaches into nested records, `*` is every element of a list.",
    )
    code_filter: bool = Field(default=False, description="Leave code in the fields as it is.")
    source_language: RequestText = ""
    target_languages: list[RequestText] = Field(default_factory=list)
    options: TranslationOptions | None = Field(default=None, exclude_if=_is_absent)
    output_prefix: RequestText = ""


def translation_to_proto(given: BaseModel, message: Message) -> None:
    """Read a spec that has options into its message."""
    fields = given.model_dump(mode="json", exclude_none=True)
    if isinstance(given, TranslateRecordsSpec):
        # Nulls inside records are the client's own.
        fields["records"] = given.records
    tone = (fields.get("options") or {}).pop("tone", None)
    json_format.ParseDict(fields, message)
    if tone is not None:
        options: translation_pb2.TranslationOptions = getattr(message, "options")  # noqa: B009 - all have it, their common type has not
        options.tone = translation_pb2.Tone.Value(f"TONE_{tone.upper()}")


def translation_fields(message: Message) -> dict[str, Any]:  # Any: a JSON document
    """Write a spec's fields as its model takes them, without any key."""
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    options = fields.get("options")
    if options is not None:
        word = str(options.pop("tone", "")).removeprefix("TONE_").lower()
        options["tone"] = word if word in set(ToneWord) else ToneWord.UNSPECIFIED
        options.get("chat_model", {}).pop("api_key", None)
    if "records" in fields:
        fields["records"] = _with_integers(fields["records"])
    return fields


def _with_integers(value: Any) -> Any:  # Any: JSON
    """Write whole numbers as such: the contract's JSON knows only doubles."""
    if isinstance(value, dict):
        return {key: _with_integers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
