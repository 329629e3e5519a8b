"""Translations of documents, addresses and records through blocking calls."""

from collections.abc import Iterable, Mapping, Sequence

from babelmill.client import requests, translations
from babelmill.client.sync_artifacts import SyncArtifacts
from babelmill.client.sync_jobs import SyncJobs
from babelmill.client.upload_source import OnBytes, Uploadable, UploadSource
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.translation.v1 import translation_pb2


class SyncDocuments(SyncJobs, SyncArtifacts):
    """Submits what becomes files: one a language, like the original."""

    def translate_document(
        self,
        document: artifact_pb2.Artifact | Uploadable,
        source: str = "",
        targets: Sequence[str] | str = (),
        *,
        document_format: str = "",
        options: translation_pb2.TranslationOptions | None = None,
        bilingual: bool = False,
        xliff: bool = False,
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
        on_bytes: OnBytes | None = None,
    ) -> job_pb2.Job:
        """Translate an uploaded artifact, or a path, bytes or file that is uploaded first.

        An empty source language is detected, an empty format is told by the
        content. `options` are made by `translations.options`; `bilingual` and
        `xliff` ask for twins besides. Repeatable by `request_id`, as
        `translate_text` is.
        """
        request_id = request_id or requests.new_request_id()
        if not isinstance(document, artifact_pb2.Artifact):
            document = self._upload_for(request_id, document, filename, on_bytes)
        return self.create_job(
            translations.document_spec(
                document,
                source,
                targets,
                document_format=document_format,
                how=options,
                bilingual=bilingual,
                xliff=xliff,
            ),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
        )

    def translate_url(
        self,
        url: str,
        source: str = "",
        targets: Sequence[str] | str = (),
        *,
        document_format: str = "",
        options: translation_pb2.TranslationOptions | None = None,
        bilingual: bool = False,
        xliff: bool = False,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
    ) -> job_pb2.Job:
        """Translate what a public address serves; the service fetches it."""
        return self.create_job(
            translations.url_spec(
                url,
                source,
                targets,
                document_format=document_format,
                how=options,
                bilingual=bilingual,
                xliff=xliff,
            ),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
        )

    def translate_records(
        self,
        records: Iterable[Mapping[str, object]],
        fields: Sequence[str],
        source: str = "",
        targets: Sequence[str] | str = (),
        *,
        code_filter: bool = False,
        output_prefix: str = "",
        options: translation_pb2.TranslationOptions | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
    ) -> job_pb2.Job:
        """Translate fields of records, by name; `a.b` reaches inside, `*` is every element."""
        return self.create_job(
            translations.records_spec(
                records,
                fields,
                source,
                targets,
                code_filter=code_filter,
                output_prefix=output_prefix,
                how=options,
            ),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
        )

    def _upload_for(
        self,
        request_id: str,
        content: Uploadable,
        filename: str | None,
        on_bytes: OnBytes | None = None,
    ) -> artifact_pb2.Artifact:
        with UploadSource(content, filename) as source:
            artifact_id = requests.artifact_id_for(request_id, source.sha256)
            return self._upload(source, artifact_id, on_bytes)
