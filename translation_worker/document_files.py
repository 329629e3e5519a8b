"""Document files: reads and writes documents by their codecs, confined where a format is risky.

Here what a codec refuses becomes a failure of the step, and the codecs' limits are set.
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.worker.handler import Attempt, FailureReason, StepFailure
from translation_worker.document import Content, Segment
from translation_worker.formats.codec import (
    Codec,
    CodecOptions,
    DocumentError,
    RecordRules,
    Written,
)
from translation_worker.formats.confinement import Confinement, read_confined, write_confined
from translation_worker.sources.source_settings import SourceSettings

# Parsed in the worker itself: their codecs read characters, not structures that can be forged.
_UNCONFINED = frozenset({"txt", "md", "srt", "vtt", "ass", "json", "csv", "po", "records"})


class DocumentFiles:
    """Runs codecs as the settings want them confined."""

    def __init__(self, settings: SourceSettings) -> None:
        self._confinement = Confinement(
            memory_bytes=settings.confinement_memory_bytes,
            cpu_seconds=settings.confinement_cpu_seconds,
        )
        self._process_ids: tuple[int, ...] = ()

    def process_ids(self) -> tuple[int, ...]:
        """Return the confined process that runs now, so that what it uses can be measured."""
        return self._process_ids

    def read(
        self, codec: Codec, path: Path, options: CodecOptions, attempt: Attempt
    ) -> list[Segment]:
        """Return a document's segments. Raises StepFailure, and what `options.stop` raises."""
        with document_failures():
            if codec.name in _UNCONFINED:
                return codec.read(path, options)
            try:
                return read_confined(
                    codec,
                    path,
                    options,
                    scratch=attempt.scratch,
                    confinement=self._confinement,
                    started=self._note_process,
                )
            finally:
                self._process_ids = ()

    def write(
        self,
        codec: Codec,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
        attempt: Attempt,
    ) -> Written:
        """Write the translated document. Raises as `read`."""
        with document_failures():
            if codec.name in _UNCONFINED:
                return codec.write(path, translations, target, target_language, options)
            try:
                return write_confined(
                    codec,
                    path,
                    translations,
                    target,
                    target_language,
                    options,
                    scratch=attempt.scratch,
                    confinement=self._confinement,
                    started=self._note_process,
                )
            finally:
                self._process_ids = ()

    def _note_process(self, process_id: int) -> None:
        self._process_ids = (process_id,)


def codec_options(
    order: lease_pb2.ExtractWork | lease_pb2.ReconstructWork, attempt: Attempt
) -> CodecOptions:
    """Return what a codec is told for a step."""
    rules = None
    if order.HasField("record_rules"):
        rules = RecordRules(
            target_fields=tuple(order.record_rules.target_fields),
            code_filter=order.record_rules.code_filter,
        )
    return CodecOptions(
        source_language=order.source_language,
        record_rules=rules,
        stop=attempt.cancellation.raise_if_requested,
    )


@contextmanager
def document_failures() -> Iterator[None]:
    """Turn what a codec says of a document into the failure of the step."""
    try:
        yield
    except DocumentError as error:
        raise StepFailure(error.reason, error.message, metadata=error.metadata) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StepFailure(FailureReason.NO_SPACE) from error
        raise
