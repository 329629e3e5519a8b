"""Document JSON: how segments and translations travel from step to step, checked when read.

A part is an artifact of the job that another step reads. What comes out of the store is checked
as strictly as anything from outside: a part that breaks a rule is damaged, never guessed at.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from translation_worker.document import (
    Content,
    Segment,
    SegmentTranslation,
    Tag,
    TagKind,
    is_well_formed,
)

MAX_PART_BYTES = 256 * 1024 * 1024
JSON_MEDIA_TYPE = "application/json"

_WORDS = {TagKind.OPENING: "open", TagKind.CLOSING: "close", TagKind.ALONE: "alone"}
_KINDS = {word: kind for kind, word in _WORDS.items()}
_MAX_TAG_NUMBER = 1_000_000_000


class DamagedPartError(Exception):
    """The part is not what a step of this program has written."""


@dataclass(frozen=True, slots=True)
class SegmentsPart:
    """A chunk of a document: what an extract step puts out."""

    format: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class TranslationsPart:
    """A translated chunk: what translate and tone steps put out."""

    source_language: str
    target_language: str
    segments: tuple[SegmentTranslation, ...]


def write_segments(part: SegmentsPart) -> bytes:
    """Return a chunk as JSON, UTF-8."""
    return _dumped(
        {"format": part.format, "segments": [_segment_row(each) for each in part.segments]}
    )


def read_segments(data: bytes) -> SegmentsPart:
    """Read a chunk. Raises DamagedPartError."""
    document = _object(_loaded(data), {"format", "segments"})
    segments = tuple(_segment(row) for row in _list(document["segments"]))
    _check_unique(each.segment_id for each in segments)
    return SegmentsPart(_text(document["format"]), segments)


def write_translations(part: TranslationsPart) -> bytes:
    """Return a translated chunk as JSON, UTF-8."""
    return _dumped(
        {
            "source_language": part.source_language,
            "target_language": part.target_language,
            "segments": [
                {"id": each.segment_id, **translation_facts(each)} for each in part.segments
            ],
        }
    )


def read_translations(data: bytes) -> TranslationsPart:
    """Read a translated chunk. Raises DamagedPartError."""
    document = _object(_loaded(data), {"source_language", "target_language", "segments"})
    segments = tuple(
        translation_from_facts(_text(_field(row, "id")), row) for row in _list(document["segments"])
    )
    _check_unique(each.segment_id for each in segments)
    return TranslationsPart(
        _text(document["source_language"]), _text(document["target_language"]), segments
    )


def translation_facts(translation: SegmentTranslation) -> dict[str, object]:
    """Return what became of a segment, JSON-ready, without its id."""
    return {
        "content": content_row(translation.content),
        "way": translation.way,
        "route": translation.route,
        "from_memory": translation.from_memory,
        "confidence": translation.confidence,
        "notes": list(translation.notes),
    }


def translation_from_facts(segment_id: str, facts: object) -> SegmentTranslation:
    """Read what `translation_facts` gave. Raises DamagedPartError."""
    row = _object(
        facts,
        {"content", "way", "route", "from_memory", "confidence", "notes"},
        optional={"id"},
    )
    if not isinstance(row["from_memory"], bool):
        _refuse("a flag is neither true nor false")
    return SegmentTranslation(
        segment_id,
        content_from_row(row["content"]),
        _text(row["way"]),
        _text(row["route"]),
        row["from_memory"],
        _confidence(row["confidence"]),
        tuple(_text(note) for note in _list(row["notes"])),
    )


def content_row(content: Content) -> list[object]:
    """Return words and tags, JSON-ready."""
    return [part if isinstance(part, str) else {_WORDS[part.kind]: part.number} for part in content]


def content_from_row(row: object) -> Content:
    """Read what `content_row` gave. Raises DamagedPartError."""
    content = tuple(_content_part(part) for part in _list(row))
    for first, second in pairwise(content):
        if isinstance(first, str) and isinstance(second, str):
            _refuse("two strings stand side by side")
    if not is_well_formed(content):
        _refuse("tags do not nest")
    return content


def _content_part(part: object) -> str | Tag:
    if isinstance(part, str):
        return part or _refuse("a string is empty")
    if not isinstance(part, dict) or len(part) != 1:
        _refuse("a part of a content is neither words nor a tag")
    ((word, number),) = part.items()
    if word not in _KINDS or not _is_count(number, 0, _MAX_TAG_NUMBER):
        _refuse("a tag has no kind or no number")
    return Tag(number, _KINDS[word])


def _segment_row(segment: Segment) -> dict[str, object]:
    row: dict[str, object] = {"id": segment.segment_id, "content": content_row(segment.content)}
    if segment.context:
        row["context"] = segment.context
    if segment.max_characters is not None:
        row["max_characters"] = segment.max_characters
    return row


def _segment(row: object) -> Segment:
    fields = _object(row, {"id", "content"}, optional={"context", "max_characters"})
    limit = fields.get("max_characters")
    if limit is not None and not _is_count(limit, 0, 1 << 31):
        _refuse("a limit is no count of characters")
    return Segment(
        _text(fields["id"]),
        content_from_row(fields["content"]),
        _text(fields.get("context", "")),
        limit if isinstance(limit, int) else None,
    )


def _dumped(document: Mapping[str, object]) -> bytes:
    # A lone surrogate, which some formats can smuggle in, is no UTF-8; JSON's escape of it is.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(document, separators=(",", ":")).encode()


def _loaded(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedPartError("it is no JSON") from error


def _object(
    value: object, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()
) -> dict[str, object]:
    if not isinstance(value, dict) or not required <= set(value) <= required | optional:
        _refuse("an object has other fields")
    return value


def _field(value: object, name: str) -> object:
    if not isinstance(value, dict) or name not in value:
        _refuse("an object has other fields")
    return value[name]


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else _refuse("a list is missing")


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        _refuse("a confidence is no number from 0 to 1")
    return float(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else _refuse("a string is missing")


def _is_count(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _check_unique(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for segment_id in ids:
        if not segment_id or segment_id in seen:
            _refuse("a segment has no id of its own")
        seen.add(segment_id)


def _refuse(why: str) -> NoReturn:
    raise DamagedPartError(why)
