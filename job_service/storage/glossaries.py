"""Tenants' glossaries."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from job_service.application.translation_ports import Glossary
from job_service.domain.translation import GlossaryTerm, read_term, term_form
from job_service.storage.tables import GLOSSARIES

_DESCRIPTION = [column for column in GLOSSARIES.c if column is not GLOSSARIES.c.terms]


class SqlGlossaryRows:
    """Glossaries as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, tenant_id: UUID, glossary: Glossary) -> None:
        """Store a glossary."""
        self._connection.execute(
            insert(GLOSSARIES).values(
                glossary_id=glossary.glossary_id,
                tenant_id=tenant_id,
                display_name=glossary.display_name,
                source_language=glossary.source_language,
                terms=[term_form(term) for term in glossary.terms],
                term_count=glossary.term_count,
                created_at=glossary.created_at,
            )
        )

    def find(self, tenant_id: UUID, glossary_ids: Collection[UUID]) -> Mapping[UUID, Glossary]:
        """Return glossaries with their terms."""
        found = self._connection.execute(
            select(GLOSSARIES).where(
                GLOSSARIES.c.tenant_id == tenant_id, GLOSSARIES.c.glossary_id.in_(glossary_ids)
            )
        ).mappings()
        return {
            row["glossary_id"]: _read(row, tuple(read_term(term) for term in row["terms"]))
            for row in found
        }

    def list(self, tenant_id: UUID) -> Sequence[Glossary]:
        """Return glossaries by name, without their terms."""
        found = self._connection.execute(
            select(*_DESCRIPTION)
            .where(GLOSSARIES.c.tenant_id == tenant_id)
            .order_by(GLOSSARIES.c.display_name, GLOSSARIES.c.glossary_id)
        ).mappings()
        return [_read(row) for row in found]

    def count(self, tenant_id: UUID) -> int:
        """Count a tenant's glossaries."""
        return self._connection.execute(
            select(func.count()).select_from(GLOSSARIES).where(GLOSSARIES.c.tenant_id == tenant_id)
        ).scalar_one()

    def delete(self, tenant_id: UUID, glossary_id: UUID) -> bool:
        """Remove a glossary; tell whether it was there."""
        gone = self._connection.execute(
            delete(GLOSSARIES).where(
                GLOSSARIES.c.tenant_id == tenant_id, GLOSSARIES.c.glossary_id == glossary_id
            )
        )
        return gone.rowcount > 0


def _read(row: RowMapping, terms: tuple[GlossaryTerm, ...] = ()) -> Glossary:
    return Glossary(
        glossary_id=row["glossary_id"],
        display_name=row["display_name"],
        source_language=row["source_language"],
        terms=terms,
        term_count=row["term_count"],
        created_at=row["created_at"],
    )
