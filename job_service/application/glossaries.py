"""A tenant's glossaries: kept, read, listed and removed; none ever changes."""

from uuid import UUID

from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWorkFactory
from job_service.application.translation_ports import Glossary
from job_service.domain.errors import GlossaryNotFound, TooManyGlossaries
from job_service.domain.ids import uuid7
from job_service.domain.translation import GlossaryTerm


class Glossaries:
    """Keeps glossaries."""

    def __init__(self, *, units: UnitOfWorkFactory, limits: Limits) -> None:
        self._units = units
        self._limits = limits

    def create(
        self,
        tenant_id: UUID,
        display_name: str,
        source_language: str,
        terms: tuple[GlossaryTerm, ...],
    ) -> Glossary:
        """Keep a glossary. Raises TooManyGlossaries."""
        with self._units.write() as uow:
            if uow.glossaries.count(tenant_id) >= self._limits.max_glossaries:
                raise TooManyGlossaries(limit=str(self._limits.max_glossaries))
            now = uow.now()
            made = Glossary(
                glossary_id=uuid7(now),
                display_name=display_name,
                source_language=source_language,
                terms=terms,
                term_count=len(terms),
                created_at=now,
            )
            uow.glossaries.insert(tenant_id, made)
        return made

    def get(self, tenant_id: UUID, glossary_id: UUID) -> Glossary:
        """Return a glossary with its terms. Raises GlossaryNotFound."""
        with self._units.read() as uow:
            found = uow.glossaries.find(tenant_id, [glossary_id]).get(glossary_id)
        if found is None:
            raise GlossaryNotFound(glossary_id=str(glossary_id))
        return found

    def list_all(self, tenant_id: UUID) -> list[Glossary]:
        """Return the glossaries by name, without their terms."""
        with self._units.read() as uow:
            return list(uow.glossaries.list(tenant_id))

    def delete(self, tenant_id: UUID, glossary_id: UUID) -> None:
        """Remove a glossary; jobs keep its terms. Raises GlossaryNotFound."""
        with self._units.write() as uow:
            if not uow.glossaries.delete(tenant_id, glossary_id):
                raise GlossaryNotFound(glossary_id=str(glossary_id))
