"""The GlossaryService through asyncio."""

from collections.abc import Iterable

from babelmill.client.async_calls import AsyncCalls
from babelmill.translation.v1 import glossary_pb2, glossary_service_pb2


class AsyncGlossaries(AsyncCalls):
    """Keeps lists of terms; jobs are given them by their ids."""

    async def create_glossary(
        self,
        display_name: str,
        source_language: str,
        terms: Iterable[glossary_pb2.GlossaryTerm],
    ) -> glossary_pb2.Glossary:
        """Keep a list of terms, made by `translations.term`. A repeat makes another."""
        request = glossary_service_pb2.CreateGlossaryRequest(
            display_name=display_name, source_language=source_language, terms=terms
        )
        return (await self._call(self._glossaries.CreateGlossary, request)).glossary

    async def get_glossary(self, glossary_id: str) -> glossary_pb2.Glossary:
        """Get a glossary with its terms. Raises NotFound."""
        request = glossary_service_pb2.GetGlossaryRequest(glossary_id=glossary_id)
        return (await self._call(self._glossaries.GetGlossary, request)).glossary

    async def glossaries(self) -> list[glossary_pb2.Glossary]:
        """List the glossaries by name, without their terms."""
        request = glossary_service_pb2.ListGlossariesRequest()
        return list((await self._call(self._glossaries.ListGlossaries, request)).glossaries)

    async def delete_glossary(self, glossary_id: str) -> None:
        """Remove a glossary; jobs that were given it keep its terms. Raises NotFound."""
        request = glossary_service_pb2.DeleteGlossaryRequest(glossary_id=glossary_id)
        await self._call(self._glossaries.DeleteGlossary, request)
