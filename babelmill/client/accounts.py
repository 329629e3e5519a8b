"""What operators say of accounts, as the contract's requests. Pure functions only."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from babelmill.client.errors import InvalidArgument
from babelmill.client.requests import Deadline, timestamp
from babelmill.jobs.v1 import account_pb2, admin_service_pb2

RoleName: TypeAlias = Literal["client", "operator", "worker"]

_ROLES: Mapping[str, account_pb2.Role.ValueType] = {
    "client": account_pb2.ROLE_CLIENT,
    "operator": account_pb2.ROLE_OPERATOR,
    "worker": account_pb2.ROLE_WORKER,
}


def parse_role(name: str) -> account_pb2.Role.ValueType:
    """Read a role's name. Raises InvalidArgument."""
    if name not in _ROLES:
        raise InvalidArgument(f"{name!r} is no role; there are {', '.join(_ROLES)}")
    return _ROLES[name]


def role_name(role: account_pb2.Role.ValueType) -> str:
    """Write a role as people say it; "" for one of a newer contract."""
    return next((name for name, value in _ROLES.items() if value == role), "")


def token_request(
    tenant: str, user: str, role: str, label: str, expires: Deadline
) -> admin_service_pb2.CreateTokenRequest:
    """Describe a token to make. Raises InvalidArgument."""
    return admin_service_pb2.CreateTokenRequest(
        tenant=tenant,
        user=user,
        role=parse_role(role),
        label=label,
        expire_time=timestamp(expires),
    )
