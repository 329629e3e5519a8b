"""Extracting: one attempt at an extract step, from a document to chunks of segments.

The chunks are what the job's other steps are planned from. The original is read once more where
the document is rebuilt; there, segments are matched by their ids.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from babelmill.jobs.v1 import lease_pb2, progress_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, Output, Result, StepFailure
from translation_worker.chain import Chains
from translation_worker.document import Segment, plain_text
from translation_worker.document_files import DocumentFiles, codec_options, document_failures
from translation_worker.document_json import JSON_MEDIA_TYPE, SegmentsPart, write_segments
from translation_worker.engines.brief import Brief
from translation_worker.formats.codec import Codec
from translation_worker.formats.registry import recognise
from translation_worker.resource_usage import UsageMeter
from translation_worker.segment_chunks import (
    CHUNK_CHARACTERS,
    characters_of,
    chunk_characters,
    cut_chunks,
)
from translation_worker.sources.fetching import fetch
from translation_worker.sources.language import Detected, detect
from translation_worker.sources.source_settings import SourceSettings

STAGE = "extract"

# A file of these may be translated already: then there is nothing left to do, and that is well.
_FORMATS_WITH_TRANSLATIONS = frozenset({"po", "xliff"})
# BCP 47 by ISO 639-2: nobody has said, and there is nothing to tell by.
_UNDETERMINED = "und"


@dataclass(frozen=True)
class _Source:
    """The document as a file, and what was said of it."""

    path: Path
    filename: str
    media_type: str


class ExtractDocument:
    """Handler of extract."""

    def __init__(self, settings: SourceSettings, chains: Chains) -> None:
        self._settings = settings
        self._files = DocumentFiles(settings)
        self._chains = chains

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Read or fetch the document, tell its format and language, and cut it into chunks."""
        order = work.extract
        meter = UsageMeter(self._files.process_ids)
        read_bytes = written_bytes = 0
        try:
            with meter, self._source(order, attempt) as source:
                read_bytes = source.path.stat().st_size
                outputs, extraction = self._extract(order, source, attempt)
                if order.WhichOneof("source") == "url":
                    original = attempt.output_file(
                        _original_filename(source, outputs), source.media_type, source.path
                    )
                    extraction.original_filename = original.filename
                    outputs.append(original)
                written_bytes = sum(output.size_bytes for output in outputs)
        finally:
            attempt.report_usage(meter.usage(read_bytes, 0))
        attempt.log.info(
            "document_extracted",
            format=extraction.format,
            chunks=len(extraction.chunks),
            segments=sum(chunk.segments for chunk in extraction.chunks),
            source_language=extraction.source_language,
        )
        usage = meter.usage(read_bytes, written_bytes)
        return Result(outputs=tuple(outputs), usage=usage, extraction=extraction)

    @contextmanager
    def _source(self, order: lease_pb2.ExtractWork, attempt: Attempt) -> Iterator[_Source]:
        if order.WhichOneof("source") == "url":
            stop = attempt.cancellation.raise_if_requested
            path = attempt.scratch / "fetched"
            fetched = fetch(order.url, path, self._settings, stop)
            yield _Source(path, fetched.filename, fetched.media_type)
            return
        with attempt.input_path(order.content) as path:
            yield _Source(path, order.content.filename, order.content.media_type)

    def _extract(
        self, order: lease_pb2.ExtractWork, source: _Source, attempt: Attempt
    ) -> tuple[list[Output], lease_pb2.Extraction]:
        with document_failures():
            codec = recognise(source.path, source.filename, source.media_type, _format(order))
        segments = self._files.read(codec, source.path, codec_options(order, attempt), attempt)
        if not _has_words(segments) and codec.name not in _FORMATS_WITH_TRANSLATIONS:
            raise StepFailure(FailureReason.EMPTY_TEXT)
        language = _language(order, segments)
        characters = sum(characters_of(segment) for segment in segments)
        _check_budget(order, language.language, characters)
        length = CHUNK_CHARACTERS
        if characters > length:
            length = self._chunk_characters(order, language.language)
        chunks = cut_chunks(segments, order.max_chunks, length)
        outputs = [
            _chunk_output(number, codec, chunk, attempt) for number, chunk in enumerate(chunks, 1)
        ]
        unit = progress_pb2.PROGRESS_UNIT_CHARACTERS
        attempt.report_progress(unit, characters, characters, STAGE)
        extraction = lease_pb2.Extraction(
            format=codec.name,
            source_language=language.language,
            language_confidence=language.confidence,
            chunks=[
                lease_pb2.ExtractedChunk(
                    filename=output.filename,
                    characters=sum(characters_of(segment) for segment in chunk),
                    segments=len(chunk),
                )
                for output, chunk in zip(outputs, chunks, strict=True)
            ],
        )
        return outputs, extraction

    def _chunk_characters(self, order: lease_pb2.ExtractWork, source_language: str) -> int:
        """Say how long chunks are to be: short enough for the slowest of the languages."""
        if order.has_chat_model and not order.engines:
            return CHUNK_CHARACTERS
        lengths = []
        for target in order.target_languages:
            try:
                chain = self._chains.open(source_language, target, order.engines, Brief())
            except StepFailure:
                # An engine that wants more than is known here; or none, which another step tells.
                return CHUNK_CHARACTERS
            lengths.append(chunk_characters(chain.characters_per_second))
        return min(lengths, default=CHUNK_CHARACTERS)


def _original_filename(source: _Source, chunks: Sequence[Output]) -> str:
    """Name a fetched document as its server does, unless a chunk is called so."""
    taken = any(chunk.filename == source.filename for chunk in chunks)
    return f"original-{source.filename}" if taken else source.filename


def _has_words(segments: Sequence[Segment]) -> bool:
    words = (plain_text(segment.content) for segment in segments)
    return any(character.isalnum() for text in words for character in text)


def _format(order: lease_pb2.ExtractWork) -> str:
    return "records" if order.HasField("record_rules") else order.format


def _language(order: lease_pb2.ExtractWork, segments: Sequence[Segment]) -> Detected:
    if order.source_language:
        return Detected(order.source_language, 1.0)
    if not segments:
        return Detected(_UNDETERMINED, 0.0)
    return detect(plain_text(segment.content) for segment in segments)


def _check_budget(order: lease_pb2.ExtractWork, source_language: str, characters: int) -> None:
    # A target that turns out to be the source itself is not translated.
    targets = [
        target
        for target in order.target_languages
        if target.casefold() != source_language.casefold()
    ]
    needed = characters * len(targets)
    if order.max_characters and needed > order.max_characters:
        raise StepFailure(
            FailureReason.BUDGET_EXCEEDED,
            metadata={
                "needed_characters": str(needed),
                "max_characters": str(order.max_characters),
            },
        )


def _chunk_output(number: int, codec: Codec, chunk: Sequence[Segment], attempt: Attempt) -> Output:
    data = write_segments(SegmentsPart(codec.name, tuple(chunk)))
    return attempt.output_bytes(f"segments-{number:04d}.json", JSON_MEDIA_TYPE, data)
