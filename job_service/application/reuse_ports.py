"""What the use cases need of results that can be used again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from job_service.domain.job import Artifact


@dataclass(frozen=True, slots=True)
class Reusable:
    """An ended job, and its outputs with their inline bytes, in the order of its answer."""

    job_id: UUID
    outputs: tuple[Artifact, ...]


class ReuseRows(Protocol):
    """Results of ended jobs, as one transaction sees them."""

    def find(self, tenant_id: UUID, work_hashes: Collection[bytes]) -> Mapping[bytes, Reusable]:
        """Return for each hash the newest COMPLETED job all of whose outputs are kept.

        The outputs cannot be removed until the transaction ends.
        """
