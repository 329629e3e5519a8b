"""CatalogService for clients: what can be asked for now."""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from typing_extensions import override

from babelmill.jobs.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from job_service.api import checks
from job_service.api.catalog_answers import engine, known_format, pair
from job_service.api.threads import BoundedThreads
from job_service.api.transcode_messages import write_preset
from job_service.api.validation import field
from job_service.application.catalog import Catalog


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Serves clients."""

    def __init__(self, *, catalog: Catalog, threads: BoundedThreads) -> None:
        self._catalog = catalog
        self._threads = threads

    @override
    async def ListEngines(
        self,
        request: catalog_service_pb2.ListEnginesRequest,
        context: catalog_service_pb2_grpc._ServicerContext,
    ) -> catalog_service_pb2.ListEnginesResponse:
        """Return the engines."""
        found = await self._threads.run(self._catalog.engines)
        return catalog_service_pb2.ListEnginesResponse(engines=[engine(each) for each in found])

    @override
    async def ListLanguagePairs(
        self,
        request: catalog_service_pb2.ListLanguagePairsRequest,
        context: catalog_service_pb2_grpc._ServicerContext,
    ) -> catalog_service_pb2.ListLanguagePairsResponse:
        """Return the pairs."""
        source_language = request.source_language
        if source_language:
            with field("source_language"):
                source_language = checks.language_tag(source_language)
        found = await self._threads.run(self._catalog.pairs, source_language)
        return catalog_service_pb2.ListLanguagePairsResponse(pairs=[pair(each) for each in found])

    @override
    async def ListFormats(
        self,
        request: catalog_service_pb2.ListFormatsRequest,
        context: catalog_service_pb2_grpc._ServicerContext,
    ) -> catalog_service_pb2.ListFormatsResponse:
        """Return the formats of documents."""
        found = await self._threads.run(self._catalog.formats)
        return catalog_service_pb2.ListFormatsResponse(
            formats=[known_format(each) for each in found]
        )

    @override
    async def ListPresets(
        self,
        request: catalog_service_pb2.ListPresetsRequest,
        context: catalog_service_pb2_grpc._ServicerContext,
    ) -> catalog_service_pb2.ListPresetsResponse:
        """Return the presets."""
        found = await self._threads.run(self._catalog.presets)
        return catalog_service_pb2.ListPresetsResponse(
            presets=[write_preset(each) for each in found]
        )
