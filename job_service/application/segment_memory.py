"""A tenant's memory of translated segments, which workers read and write under a lease.

Keys and values are the workers' own. The memory only saves work: nothing
depends on an entry's being there.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from job_service.application.leasing import LeaseRequest
from job_service.application.limits import Limits
from job_service.application.ports import UnitOfWork, UnitOfWorkFactory
from job_service.domain.errors import InvalidRequest, StaleLease, Violation

KEY_BYTES = 32
MOST_VALUE_BYTES = 64 * 1024
_MOST_ANSWER_BYTES = 3 * 1024 * 1024


class SegmentMemory:
    """Recalls and remembers for the tenant of a lease's job."""

    def __init__(self, *, units: UnitOfWorkFactory, limits: Limits) -> None:
        self._units = units
        self._limits = limits

    def recall(self, lease: LeaseRequest, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what is known, as far as it fits a message. Raises InvalidRequest, StaleLease."""
        _check_keys(keys, "keys")
        with self._units.read() as uow:
            found = uow.memory.recall(_tenant_of(uow, lease), keys)
        room = _MOST_ANSWER_BYTES
        answer: dict[bytes, bytes] = {}
        for key, value in found.items():
            room -= len(value)
            if room < 0:
                break
            answer[key] = value
        return answer

    def remember(self, lease: LeaseRequest, entries: Mapping[bytes, bytes]) -> None:
        """Keep values, each instead of the key's last one. Raises InvalidRequest, StaleLease."""
        _check_keys(list(entries), "entries")
        if any(len(value) > MOST_VALUE_BYTES for value in entries.values()):
            raise InvalidRequest(
                Violation("entries", f"a value has more than {MOST_VALUE_BYTES} bytes", "TOO_LARGE")
            )
        with self._units.write() as uow:
            tenant_id = _tenant_of(uow, lease)
            uow.memory.remember(tenant_id, entries, self._limits.memory_ttl)


def _check_keys(keys: Sequence[bytes], field: str) -> None:
    if any(len(key) != KEY_BYTES for key in keys):
        raise InvalidRequest(Violation(field, f"a key must have {KEY_BYTES} bytes"))


def _tenant_of(uow: UnitOfWork, lease: LeaseRequest) -> UUID:
    """Return whose job a live lease is on. Raises StaleLease."""
    tenant_id = uow.leases.tenant_of(lease)
    if tenant_id is None:
        raise StaleLease
    return tenant_id
