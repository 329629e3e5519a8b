"""Documents through the handlers as the job service would run them, without it."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from babelmill.jobs.v1 import artifact_pb2, lease_pb2
from babelmill.kit.worker.handler import Output, Result
from babelmill.translation.v1 import translation_pb2
from tests.unit.translation_worker.attempts import Bench
from tests.unit.translation_worker.scripted_engine import scripted_chains
from translation_worker.engines.engine import Engine
from translation_worker.extracting import ExtractDocument
from translation_worker.reconstructing import ReconstructDocument
from translation_worker.sources.source_settings import SourceSettings
from translation_worker.toning import AdaptTone
from translation_worker.translating import TranslateSegments


def settings() -> SourceSettings:
    """Return settings of which only the limits are used."""
    return SourceSettings(
        worker_token=SecretStr("none"), redis_url=SecretStr("redis://127.0.0.1:1"), artifacts="/"
    )


class Kept:
    """A tenant's memory in memory."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    def recall(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return {key: self.entries[key] for key in keys if key in self.entries}

    def remember(self, entries: Mapping[bytes, bytes]) -> None:
        assert all(len(key) == 32 for key in entries)
        self.entries.update(entries)


def stored(data: bytes, filename: str = "", media_type: str = "") -> lease_pb2.StoredContent:
    """Return bytes as an inline input."""
    digest = artifact_pb2.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    return lease_pb2.StoredContent(
        inline=data, digest=digest, filename=filename, media_type=media_type
    )


@dataclass
class DocumentRun:
    """One document's way through all steps."""

    root: Path
    engine: Engine
    options: translation_pb2.TranslationOptions = field(
        default_factory=translation_pb2.TranslationOptions
    )
    glossary: bytes | None = None
    memory: Kept = field(default_factory=Kept)
    source_language: str = "en"
    max_chunks: int = 100
    twins: translation_pb2.DocumentTwins = field(default_factory=translation_pb2.DocumentTwins)
    extraction: lease_pb2.Extraction | None = None
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def bench(self) -> Bench:
        """Return a fresh attempt."""
        return Bench(self.root / str(next(self._count)), segment_store=self.memory)

    def extract(self, original: lease_pb2.StoredContent, **order: object) -> list[bytes]:
        """Return the chunks."""
        fields = {"source_language": self.source_language, "max_chunks": self.max_chunks, **order}
        fields.setdefault("target_languages", ["pt"])
        work = lease_pb2.ExtractWork(content=original, **fields)  # type: ignore[arg-type]  # by name
        bench = self.bench()
        handler = ExtractDocument(settings(), scripted_chains(self.engine))
        result = handler.run(lease_pb2.Work(extract=work), bench.attempt)
        self.extraction = result.extraction
        return _all_read(bench, result)

    def translate(self, chunk: bytes) -> bytes:
        """Return a chunk's translations."""
        work = lease_pb2.TranslateSegmentsWork(
            segments=stored(chunk),
            source_language=self.source_language,
            target_language="pt",
            settings=self._settings(),
        )
        bench = self.bench()
        handler = TranslateSegments(scripted_chains(self.engine))
        result = handler.run(lease_pb2.Work(translate_segments=work), bench.attempt)
        (data,) = _all_read(bench, result)
        return data

    def adapt_tone(self, chunk: bytes, translations: bytes) -> bytes:
        """Return a chunk's translations in the tone of the options."""
        work = lease_pb2.AdaptToneWork(
            segments=stored(chunk),
            translations=stored(translations),
            source_language=self.source_language,
            target_language="pt",
            settings=self._settings(),
        )
        bench = self.bench()
        handler = AdaptTone(scripted_chains(self.engine))
        (data,) = _all_read(bench, handler.run(lease_pb2.Work(adapt_tone=work), bench.attempt))
        return data

    def reconstruct(
        self,
        original: lease_pb2.StoredContent,
        chunks: Sequence[bytes],
        translations: Sequence[bytes],
    ) -> dict[str, bytes]:
        """Return the outputs by their names, the document first."""
        assert self.extraction is not None
        work = lease_pb2.ReconstructWork(
            original=original,
            format=self.extraction.format,
            source_language=self.source_language,
            target_language="pt",
            segments=[stored(chunk) for chunk in chunks],
            translations=[stored(each) for each in translations],
            twins=self.twins,
            glossary=None if self.glossary is None else stored(self.glossary),
        )
        bench = self.bench()
        result = ReconstructDocument(settings()).run(
            lease_pb2.Work(reconstruct=work), bench.attempt
        )
        outputs: tuple[Output, ...] = result.outputs
        return {output.filename: bench.read(output) for output in outputs}

    def whole(self, data: bytes, filename: str) -> dict[str, bytes]:
        """Take a document through all steps."""
        original = stored(data, filename)
        chunks = self.extract(original)
        return self.reconstruct(original, chunks, [self.translate(chunk) for chunk in chunks])

    def _settings(self) -> lease_pb2.TranslationSettings:
        return lease_pb2.TranslationSettings(
            options=self.options,
            glossary=None if self.glossary is None else stored(self.glossary),
        )


def _all_read(bench: Bench, result: Result) -> list[bytes]:
    return [bench.read(output) for output in result.outputs]
