"""GlossaryService for clients: check, map, call the use case, map back."""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from uuid import UUID

from typing_extensions import override

from babelmill.translation.v1 import (
    glossary_pb2,
    glossary_service_pb2,
    glossary_service_pb2_grpc,
)
from job_service.api import checks, spec_checks
from job_service.api.auth import current_caller
from job_service.api.job_answers import timestamp
from job_service.api.option_requests import terms
from job_service.api.spec_answers import term
from job_service.api.threads import BoundedThreads
from job_service.api.validation import Violations, field
from job_service.application.glossaries import Glossaries
from job_service.application.translation_ports import Glossary

MAX_TERMS = 10_000
_MAX_NAME = 100


class GlossaryServicer(glossary_service_pb2_grpc.GlossaryServiceServicer):
    """Serves clients."""

    def __init__(self, *, glossaries: Glossaries, threads: BoundedThreads) -> None:
        self._glossaries = glossaries
        self._threads = threads

    @override
    async def CreateGlossary(
        self,
        request: glossary_service_pb2.CreateGlossaryRequest,
        context: glossary_service_pb2_grpc._ServicerContext,
    ) -> glossary_service_pb2.CreateGlossaryResponse:
        """Keep a glossary."""
        violations = Violations()
        count = len(request.terms)
        if not 1 <= count <= MAX_TERMS:
            violations.add("terms", f"There are {count}; from 1 to {MAX_TERMS} are allowed.")
            violations.raise_if_any()
        name = violations.check(
            "display_name",
            lambda: spec_checks.label(request.display_name, longest=_MAX_NAME, required=True),
            "",
        )
        language = violations.check(
            "source_language", lambda: checks.language_tag(request.source_language), ""
        )
        given = terms(request.terms, violations, "terms")
        violations.raise_if_any()
        made = await self._threads.run(self._glossaries.create, _tenant_id(), name, language, given)
        return glossary_service_pb2.CreateGlossaryResponse(
            glossary=_glossary(made, with_terms=False)
        )

    @override
    async def GetGlossary(
        self,
        request: glossary_service_pb2.GetGlossaryRequest,
        context: glossary_service_pb2_grpc._ServicerContext,
    ) -> glossary_service_pb2.GetGlossaryResponse:
        """Return a glossary with its terms."""
        glossary_id = _glossary_id(request.glossary_id)
        found = await self._threads.run(self._glossaries.get, _tenant_id(), glossary_id)
        return glossary_service_pb2.GetGlossaryResponse(glossary=_glossary(found, with_terms=True))

    @override
    async def ListGlossaries(
        self,
        request: glossary_service_pb2.ListGlossariesRequest,
        context: glossary_service_pb2_grpc._ServicerContext,
    ) -> glossary_service_pb2.ListGlossariesResponse:
        """Return the tenant's glossaries."""
        found = await self._threads.run(self._glossaries.list_all, _tenant_id())
        return glossary_service_pb2.ListGlossariesResponse(
            glossaries=[_glossary(each, with_terms=False) for each in found]
        )

    @override
    async def DeleteGlossary(
        self,
        request: glossary_service_pb2.DeleteGlossaryRequest,
        context: glossary_service_pb2_grpc._ServicerContext,
    ) -> glossary_service_pb2.DeleteGlossaryResponse:
        """Remove a glossary."""
        glossary_id = _glossary_id(request.glossary_id)
        await self._threads.run(self._glossaries.delete, _tenant_id(), glossary_id)
        return glossary_service_pb2.DeleteGlossaryResponse()


def _tenant_id() -> UUID:
    return current_caller().principal.tenant_id


def _glossary_id(text: str) -> UUID:
    with field("glossary_id"):
        return checks.uuid_of(text)


def _glossary(found: Glossary, *, with_terms: bool) -> glossary_pb2.Glossary:
    return glossary_pb2.Glossary(
        glossary_id=str(found.glossary_id),
        display_name=found.display_name,
        source_language=found.source_language,
        terms=[term(each) for each in found.terms] if with_terms else [],
        term_count=found.term_count,
        create_time=timestamp(found.created_at),
    )
