"""Who calls: a tenant's token in one of two roles."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a token may be used for."""

    CLIENT = "client"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a token that was found valid."""

    tenant_id: UUID
    role: Role
    token_id: UUID
