"""Codec of JSON: the strings that people read are patched in the source, which stays as it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, RecordRules, Written
from translation_worker.formats.json_messages import has_choices, message_parts
from translation_worker.formats.json_slots import JsonSlots, field_name, whole_paragraphs
from translation_worker.formats.json_strings import (
    JsonPath,
    JsonString,
    decoded_string,
    json_strings,
)
from translation_worker.formats.records_fields import is_target
from translation_worker.formats.text_encoding import EncodedText, decode, read_bytes
from translation_worker.formats.text_markup import Part
from translation_worker.formats.text_prose import is_prose
from translation_worker.formats.text_slots import Slot, counted


class JsonCodec:
    """Reads and writes JSON, and JSON with a value a line."""

    name = "json"
    description = "JSON and JSON lines; what reads like text, or the fields that are named."
    extensions = (".json", ".jsonl", ".ndjson")
    media_types = ("application/json", "application/x-ndjson")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:  # noqa: ARG002 - protocol
        """Return False: the beginning does not tell it from other texts for sure."""
        return False

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the strings that people read. Raises DocumentError."""
        source = _decoded(path, options)
        slots = _slots(source.text, JsonSlots(source.text), options)
        return [slot.segment for slot in counted(slots, options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,  # noqa: ARG002 - protocol; JSON does not tell its language
        options: CodecOptions,
    ) -> Written:
        """Write the file with its strings translated. Raises DocumentError."""
        source = _decoded(path, options)
        found = JsonSlots(source.text)
        slots = list(counted(_slots(source.text, found, options), options))
        text, notes = found.fill(slots, translations)
        data, is_kept = source.encode(text)
        target.write_bytes(data)
        return Written(notes=notes if is_kept else {**notes, "encoding_changed": 1})


def _decoded(path: Path, options: CodecOptions) -> EncodedText:
    return decode(read_bytes(path, options.limits))


def _slots(text: str, found: JsonSlots, options: CodecOptions) -> Iterator[Slot]:
    strings = list(json_strings(text, options.limits.max_xml_depth, options.stop))
    for string in _targets(text, strings, options.record_rules):
        yield from found.slots(string, _name(string.path), _texts)


def _texts(value: str) -> Iterator[list[Part]]:
    """Yield the texts of a value: those of its choices if it has any, else its paragraphs."""
    parts = message_parts(value) if has_choices(value) else None
    yield from whole_paragraphs(value) if parts is None else parts


def _targets(
    text: str, strings: Sequence[JsonString], rules: RecordRules | None
) -> Iterator[JsonString]:
    if rules is not None:
        for string in strings:
            # A list at the top is one of records.
            inner = string.path[1:] if string.path and isinstance(string.path[0], int) else ()
            if is_target(string.path, rules) or is_target(inner, rules):
                yield string
        return
    is_catalogue = _is_catalogue(strings)
    for string in strings:
        value, _ = decoded_string(text, string)
        name = field_name(string.path)
        if has_choices(value) or is_prose(value, name, words_are_text=is_catalogue):
            yield string


def _is_catalogue(strings: Sequence[JsonString]) -> bool:
    """Tell whether all of a file is messages by their names, as programs keep theirs."""
    return len(strings) > 1 and all(
        all(isinstance(place, str) for place in string.path) for string in strings
    )


def _name(path: JsonPath) -> str:
    return ".".join(str(place) for place in path) or "value"
