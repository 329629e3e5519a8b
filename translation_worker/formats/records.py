"""Codec of records: a JSON list of objects of which the client names the fields to translate.

A segment is called by its record, counted from 0, and its field: `r3.title`. If that has several
paragraphs, the second is `r3.title#2`.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, DocumentError, RecordRules, Written
from translation_worker.formats.json_slots import JsonSlots, whole_paragraphs
from translation_worker.formats.json_strings import json_strings
from translation_worker.formats.records_code import prose_paragraphs
from translation_worker.formats.records_fields import is_target
from translation_worker.formats.text_encoding import read_bytes
from translation_worker.formats.text_slots import Slot, counted


class RecordsCodec:
    """Reads and writes records; needs the rules of what is to be translated."""

    name = "records"
    description = "Records with named fields, as a job of records has them."
    extensions = ()
    media_types = ("application/json",)

    def recognises(self, head: bytes, members: Collection[str]) -> bool:  # noqa: ARG002 - protocol
        """Return False: only a job of records has them."""
        return False

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the paragraphs of the fields. Raises DocumentError."""
        text = _decoded(path, options)
        return [slot.segment for slot in counted(_slots(text, JsonSlots(text), options), options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,  # noqa: ARG002 - protocol; records do not tell their language
        options: CodecOptions,
    ) -> Written:
        """Write the records with their fields translated. Raises DocumentError."""
        source = _decoded(path, options)
        found = JsonSlots(source)
        slots = list(counted(_slots(source, found, options), options))
        text, notes = found.fill(slots, translations)
        target.write_bytes(text.encode())
        return Written(notes=notes)


def _decoded(path: Path, options: CodecOptions) -> str:
    try:
        return read_bytes(path, options.limits).decode()
    except UnicodeDecodeError:
        raise DocumentError(FailureReason.DOCUMENT_DAMAGED) from None


def _slots(text: str, found: JsonSlots, options: CodecOptions) -> Iterator[Slot]:
    rules = options.record_rules or RecordRules(target_fields=())
    parting = prose_paragraphs if rules.code_filter else whole_paragraphs
    for string in json_strings(text, options.limits.max_xml_depth, options.stop):
        if not string.path or not isinstance(string.path[0], int):
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED, "The records are not a list.")
        record, *places = string.path
        if is_target(tuple(places), rules):
            field = ".".join(str(place) for place in places)
            yield from found.slots(string, f"r{record}.{field}", parting)
