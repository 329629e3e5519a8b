"""The Codec protocol: from the bytes of one format to segments, and back.

A codec reads a file into segments and writes a file from the original and the translations,
changing nothing but the words. Written with the source itself as the translation, the file is
equal to the original: byte for byte, or as a tree where the format has one. A file comes from
anybody: whatever is in it, a codec ends within its limits, in a result or in a DocumentError.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment


class DocumentError(Exception):
    """The document cannot be read or written; `reason` is a word of the catalogue.

    The message is one English sentence without the user's text. `metadata` is for programs.
    """

    def __init__(
        self, reason: FailureReason, message: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message or reason.description)
        self.reason = reason
        self.message = message or reason.description
        self.metadata = dict(metadata or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """What a document may cost to read; past it, it is refused as DOCUMENT_TOO_LARGE."""

    max_file_bytes: int = 256 * 1024 * 1024
    max_members: int = 10_000
    max_unpacked_bytes: int = 1024 * 1024 * 1024
    # Text of natural language packs at most some 20 to 1; a bomb, 1,000 to 1.
    max_ratio: float = 200.0
    max_xml_depth: int = 256
    max_segments: int = 500_000
    max_characters: int = 64 * 1024 * 1024
    max_pages: int = 5_000
    max_pixels: int = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRules:
    """Which fields of records are text, and whether code in them is left as it is."""

    target_fields: tuple[str, ...]
    code_filter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecOptions:
    """What a codec is told besides the file.

    `stop` raises when the work shall stop; a codec calls it at least every second. The source
    language is empty while it is not known.
    """

    source_language: str = ""
    limits: DocumentLimits = field(default_factory=DocumentLimits)
    record_rules: RecordRules | None = None
    stop: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing a file.

    `layout` is a JSON-ready report of how the words fit (PDF, subtitles), None where nothing is to
    be told. `notes` count what happened by its word.
    """

    layout: dict[str, object] | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


class Codec(Protocol):
    """Reads and writes one format; has no state, so one serves every document."""

    @property
    def name(self) -> str:
        """Name, as in a spec: "docx"."""

    @property
    def description(self) -> str:
        """One sentence for people."""

    @property
    def extensions(self) -> tuple[str, ...]:
        """Extensions of filenames, lower-case with the dot; the first is the usual one."""

    @property
    def media_types(self) -> tuple[str, ...]:
        """Media types; the first is what written files are given."""

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the first 4 KiB, and the names in it if it is a zip, if a file surely is one.

        False where the content alone does not tell: then the filename does.
        """

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the segments in the order of the document. Raises DocumentError."""

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the translated document to `target`, from the original at `path`.

        A segment that has no translation keeps its words. Raises DocumentError.
        """
