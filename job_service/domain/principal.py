"""Who calls: a tenant's token in one of three roles."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a token may be used for."""

    CLIENT = "client"
    OPERATOR = "operator"
    WORKER = "worker"


# A user is a person or a program of a tenant; workers are neither.
ROLES_WITHIN: dict[Role, frozenset[Role]] = {
    Role.CLIENT: frozenset({Role.CLIENT}),
    Role.OPERATOR: frozenset({Role.CLIENT, Role.OPERATOR}),
}
"""Which roles the tokens of a user may have, by the user's own."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a token that was found valid."""

    tenant_id: UUID
    role: Role
    token_id: UUID
    user_id: UUID | None = None
