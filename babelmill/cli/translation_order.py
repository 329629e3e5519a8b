"""What is asked for with `babelmill translate`, and the job that each kind of source becomes."""

from dataclasses import dataclass, field
from pathlib import Path

import typer

from babelmill.cli.reporters import transfer_bar
from babelmill.cli.session import Session
from babelmill.cli.translation_sources import Source, SourceKind
from babelmill.client.requests import PriorityName
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.translation.v1 import translation_pb2

_LANGUAGE_OF_TEXTS = "en"
_DETECTED = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All but the source. The source language is None if it was not given."""

    targets: list[str]
    source_language: str | None
    options: translation_pb2.TranslationOptions
    document_format: str = ""
    bilingual: bool = False
    xliff: bool = False
    fields: list[str] = field(default_factory=list)
    keep_code: bool = False
    priority: PriorityName = "normal"
    request_id: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def is_for_documents(self) -> bool:
        """Whether it asks for what a text has not."""
        return bool(self.document_format) or self.bilingual or self.xliff

    def submit(self, run: Session, given: Source) -> job_pb2.Job:
        """Submit the job. Raises typer.BadParameter for what does not go together."""
        if given.kind is SourceKind.RECORDS:
            if self.is_for_documents:
                raise typer.BadParameter("records have no --format, --bilingual or --xliff")
            return self._submit_records(run, given)
        if given.kind is SourceKind.ADDRESS:
            return self._submit_address(run, given)
        if given.kind is SourceKind.DOCUMENT and given.path is not None:
            return self._submit_document(run, given.path)
        return self._submit_text(run, given)

    def _submit_text(self, run: Session, given: Source) -> job_pb2.Job:
        return run.client.translate_text(
            given.text if given.path is None else _uploaded(run, given.path),
            self._language(_LANGUAGE_OF_TEXTS),
            self.targets,
            options=self.options,
            priority=self.priority,
            request_id=self.request_id,
            labels=self.labels,
        )

    def _submit_document(self, run: Session, path: Path) -> job_pb2.Job:
        with transfer_bar(run.screen, f"upload {path.name}") as on_bytes:
            return run.client.translate_document(
                path,
                self._language(),
                self.targets,
                document_format=self.document_format,
                options=self.options,
                bilingual=self.bilingual,
                xliff=self.xliff,
                priority=self.priority,
                request_id=self.request_id,
                labels=self.labels,
                on_bytes=on_bytes,
            )

    def _submit_address(self, run: Session, given: Source) -> job_pb2.Job:
        return run.client.translate_url(
            given.url,
            self._language(),
            self.targets,
            document_format=self.document_format,
            options=self.options,
            bilingual=self.bilingual,
            xliff=self.xliff,
            priority=self.priority,
            request_id=self.request_id,
            labels=self.labels,
        )

    def _submit_records(self, run: Session, given: Source) -> job_pb2.Job:
        return run.client.translate_records(
            given.records,
            self.fields,
            self._language(),
            self.targets,
            code_filter=self.keep_code,
            options=self.options,
            priority=self.priority,
            request_id=self.request_id,
            labels=self.labels,
        )

    def _language(self, default: str = "") -> str:
        if self.source_language is None:
            return default
        return "" if self.source_language == _DETECTED else self.source_language


def _uploaded(run: Session, path: Path) -> artifact_pb2.Artifact:
    with transfer_bar(run.screen, f"upload {path.name}") as on_bytes:
        return run.client.upload(path, media_type="text/plain", on_bytes=on_bytes)
