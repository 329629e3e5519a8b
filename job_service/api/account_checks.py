"""The form of tenants' and users' names, of labels, and of roles."""

import re

from babelmill.jobs.v1 import account_pb2
from job_service.api.checks import CONTROL, Fault
from job_service.domain.principal import Role

MAX_LABEL = 100

_LONGEST_KNOWN_NAME = 255
_TENANT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_USER = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
_ROLES = {
    account_pb2.ROLE_UNSPECIFIED: Role.CLIENT,
    account_pb2.ROLE_CLIENT: Role.CLIENT,
    account_pb2.ROLE_OPERATOR: Role.OPERATOR,
    account_pb2.ROLE_WORKER: Role.WORKER,
}


def new_tenant_name(text: str) -> str:
    """Check the name of a tenant that is to be made."""
    return _new_name(text, _TENANT, "a-z 0-9 . _ -")


def new_user_name(text: str) -> str:
    """Check the name of a user that is to be made."""
    return _new_name(text, _USER, "a-z 0-9 . _ @ -")


def known_name(text: str, *, required: bool = True) -> str:
    """Check a name that is to be looked up; older ones have other characters."""
    if not text and required:
        raise Fault("It is required.", "REQUIRED")
    if len(text) > _LONGEST_KNOWN_NAME or CONTROL.search(text):
        raise Fault("It is no name.")
    return text


def role(value: account_pb2.Role.ValueType) -> Role:
    """Read a role; unspecified means a client's."""
    return _ROLES[value]


def role_of_user(value: account_pb2.Role.ValueType) -> Role:
    """Read the role of a user: workers are none."""
    found = role(value)
    if found is Role.WORKER:
        raise Fault("A user is a client or an operator.")
    return found


def _new_name(text: str, pattern: re.Pattern[str], characters: str) -> str:
    if not text:
        raise Fault("It is required.", "REQUIRED")
    if not pattern.fullmatch(text):
        raise Fault(
            f"It must be 1 to 63 of the characters {characters} and start with a letter or digit."
        )
    return text
