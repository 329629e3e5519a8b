"""The blocking client.

A thin shell: requests are built in requests, streams are driven by the
cursors, errors are made in errors. That the asyncio client offers
the same is compared by a test, signature by signature.
"""

from collections.abc import Mapping, Sequence

from babelmill.client import requests
from babelmill.client.jobs import locate_text
from babelmill.client.sync_admin import SyncAdmin
from babelmill.client.sync_glossaries import SyncGlossaries
from babelmill.client.sync_queues import SyncQueues
from babelmill.client.sync_videos import SyncVideos
from babelmill.client.sync_webhooks import SyncWebhooks
from babelmill.client.upload_source import OnBytes, Uploadable
from babelmill.jobs.v1 import (
    artifact_pb2,
    catalog_service_pb2,
    job_pb2,
)
from babelmill.media.v1 import media_pb2, segments_pb2
from babelmill.translation.v1 import translation_pb2


class Client(SyncVideos, SyncQueues, SyncGlossaries, SyncWebhooks, SyncAdmin):
    """Babelmill for programs that block. Safe to share between threads.

    Address and token come from the arguments, else from BABELMILL_GRPC and
    BABELMILL_TOKEN, else from the nearest `.babelmill/env`; so do certificates,
    from BABELMILL_GRPC_CA and the like. Close it, or use
    it as a context manager. Every method can raise the errors of
    `babelmill.client.errors`.
    """

    def translate_text(
        self,
        text: str | artifact_pb2.Artifact | None = None,
        source: str = "",
        targets: Sequence[str] | str = (),
        *,
        artifact: str | artifact_pb2.Artifact | None = None,
        engine: str = "",
        options: translation_pb2.TranslationOptions | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
    ) -> job_pb2.Job:
        """Translate a text, or an uploaded artifact, into one or more languages.

        An artifact is given in place of the text, or as `artifact` by itself
        or its id. A text too long for a message is uploaded first. `options` are
        made by `translations.options`. With the same
        `request_id` and arguments the call may be made again: it returns the
        job that it made before. Raises InvalidArgument with the pairs that
        exist when a language is not one of them.
        """
        request_id = request_id or requests.new_request_id()
        origin = requests.one_origin(text, artifact)
        if isinstance(origin, str) and not requests.fits_inline(origin):
            origin = self._upload_for(request_id, requests.encode_text(origin), "text.txt")
        return self.create_job(
            requests.text_spec(origin, source, targets, engine, options),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
        )

    def transcode(
        self,
        source: artifact_pb2.Artifact | Uploadable,
        preset: str,
        *,
        options: media_pb2.TranscodeOptions | None = None,
        segments: segments_pb2.Segments | None = None,
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
        reuse_results: bool = False,
        on_bytes: OnBytes | None = None,
    ) -> job_pb2.Job:
        """Transcode an uploaded artifact, or a path, bytes or file that is uploaded first.

        `options` change what the preset makes, where it takes them; `segments`
        say whether several workers encode it at once. With `reuse_results` the
        same done before is not done again, see `create_job`.
        Repeatable by `request_id`, as `translate_text` is.
        """
        request_id = request_id or requests.new_request_id()
        if not isinstance(source, artifact_pb2.Artifact):
            source = self._upload_for(request_id, source, filename, on_bytes)
        return self.create_job(
            requests.transcode_spec(source, preset, options, segments),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
            reuse_results=reuse_results,
        )

    def job_text(self, job: str | job_pb2.Job, language: str) -> str:
        """Return a translation that a job has made; long ones are downloaded.

        Raises NoSuchTarget, TargetNotFinished, TargetFailed.
        """
        if isinstance(job, str):
            job = self.get_job(job)
        place = locate_text(job, language)
        if isinstance(place, str):
            return place
        with self.read(place) as pieces:
            return b"".join(pieces).decode()

    def languages(self, source_language: str = "") -> list[translation_pb2.LanguagePair]:
        """List the pairs that can be translated now."""
        request = catalog_service_pb2.ListLanguagePairsRequest(source_language=source_language)
        return list(self._call(self._catalog.ListLanguagePairs, request).pairs)

    def engines(self) -> list[translation_pb2.Engine]:
        """List the translation engines at hand."""
        request = catalog_service_pb2.ListEnginesRequest()
        return list(self._call(self._catalog.ListEngines, request).engines)

    def formats(self) -> list[translation_pb2.Format]:
        """List the formats of documents that can be translated."""
        request = catalog_service_pb2.ListFormatsRequest()
        return list(self._call(self._catalog.ListFormats, request).formats)

    def presets(self) -> list[media_pb2.Preset]:
        """List the media presets at hand."""
        request = catalog_service_pb2.ListPresetsRequest()
        return list(self._call(self._catalog.ListPresets, request).presets)
