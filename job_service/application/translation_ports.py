"""What translations need from the database besides their jobs: part of the unit of work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from job_service.domain.translation import GlossaryTerm


@dataclass(frozen=True, slots=True, kw_only=True)
class Glossary:
    """A tenant's list of terms; in a list of glossaries `terms` are left out."""

    glossary_id: UUID
    display_name: str
    source_language: str
    term_count: int
    created_at: datetime
    terms: tuple[GlossaryTerm, ...] = ()


class GlossaryRows(Protocol):
    """Tenants' glossaries."""

    def insert(self, tenant_id: UUID, glossary: Glossary) -> None:
        """Store a glossary."""

    def find(self, tenant_id: UUID, glossary_ids: Collection[UUID]) -> Mapping[UUID, Glossary]:
        """Return glossaries with their terms; those that are not there are left out."""

    def list(self, tenant_id: UUID) -> Sequence[Glossary]:
        """Return glossaries by name, without their terms."""

    def count(self, tenant_id: UUID) -> int:
        """Count a tenant's glossaries."""

    def delete(self, tenant_id: UUID, glossary_id: UUID) -> bool:
        """Remove a glossary; tell whether it was there."""


class SecretRows(Protocol):
    """Jobs' secrets, encrypted. They are removed in the transaction that ends their job."""

    def find(self, job_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Return the ciphertexts of those jobs that have one."""


class MemoryRows(Protocol):
    """Remembered segments of tenants."""

    def recall(self, tenant_id: UUID, keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Return what is kept under the keys."""

    def remember(self, tenant_id: UUID, entries: Mapping[bytes, bytes], ttl: timedelta) -> None:
        """Keep values for a time, each instead of the key's last one."""

    def forget(self, most_of_tenant: int, limit: int) -> int:
        """Remove what has expired, and the oldest of what a tenant has too much of.

        Removes no more than `limit` of each; returns how many.
        """
