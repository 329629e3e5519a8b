"""The asyncio client.

A thin shell: requests are built in requests, streams are driven by the
cursors, errors are made in errors. That it offers what the
blocking client does is compared by a test, signature by signature.
"""

from collections.abc import Mapping, Sequence

from babelmill.client import requests
from babelmill.client.async_admin import AsyncAdmin
from babelmill.client.async_glossaries import AsyncGlossaries
from babelmill.client.async_queues import AsyncQueues
from babelmill.client.async_videos import AsyncVideos
from babelmill.client.async_webhooks import AsyncWebhooks
from babelmill.client.jobs import locate_text
from babelmill.client.upload_source import OnBytes, Uploadable
from babelmill.jobs.v1 import (
    artifact_pb2,
    catalog_service_pb2,
    job_pb2,
)
from babelmill.media.v1 import media_pb2, segments_pb2
from babelmill.translation.v1 import translation_pb2


class AsyncClient(AsyncVideos, AsyncQueues, AsyncGlossaries, AsyncWebhooks, AsyncAdmin):
    """Babelmill for asyncio. Make it and use it in one running event loop.

    Address and token come from the arguments, else from BABELMILL_GRPC and
    BABELMILL_TOKEN, else from the nearest `.babelmill/env`; so do certificates,
    from BABELMILL_GRPC_CA and the like. Use it with
    `async with`, or await `aclose()`. Every method can raise the errors of
    `babelmill.client.errors`.
    """

    async def translate_text(
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
            origin = await self._upload_for(request_id, requests.encode_text(origin), "text.txt")
        return await self.create_job(
            requests.text_spec(origin, source, targets, engine, options),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
        )

    async def transcode(
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
            source = await self._upload_for(request_id, source, filename, on_bytes)
        return await self.create_job(
            requests.transcode_spec(source, preset, options, segments),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
            reuse_results=reuse_results,
        )

    async def job_text(self, job: str | job_pb2.Job, language: str) -> str:
        """Return a translation that a job has made; long ones are downloaded.

        Raises NoSuchTarget, TargetNotFinished, TargetFailed.
        """
        if isinstance(job, str):
            job = await self.get_job(job)
        place = locate_text(job, language)
        if isinstance(place, str):
            return place
        async with self.read(place) as pieces:
            return b"".join([piece async for piece in pieces]).decode()

    async def languages(self, source_language: str = "") -> list[translation_pb2.LanguagePair]:
        """List the pairs that can be translated now."""
        request = catalog_service_pb2.ListLanguagePairsRequest(source_language=source_language)
        return list((await self._call(self._catalog.ListLanguagePairs, request)).pairs)

    async def engines(self) -> list[translation_pb2.Engine]:
        """List the translation engines at hand."""
        request = catalog_service_pb2.ListEnginesRequest()
        return list((await self._call(self._catalog.ListEngines, request)).engines)

    async def formats(self) -> list[translation_pb2.Format]:
        """List the formats of documents that can be translated."""
        request = catalog_service_pb2.ListFormatsRequest()
        return list((await self._call(self._catalog.ListFormats, request)).formats)

    async def presets(self) -> list[media_pb2.Preset]:
        """List the media presets at hand."""
        request = catalog_service_pb2.ListPresetsRequest()
        return list((await self._call(self._catalog.ListPresets, request)).presets)
