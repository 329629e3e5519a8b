"""Options of `babelmill admin`, and how their words are read."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.cli.screen import moment
from babelmill.client.accounts import RoleName

Limit: TypeAlias = Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")]
RoleOption: TypeAlias = Annotated[
    str, typer.Option("--role", metavar="WORD", help="client, operator or worker.")
]
TenantFilter: TypeAlias = Annotated[
    str, typer.Option("--tenant", metavar="TENANT", help="Only of this tenant.")
]

_DAY_CHARACTERS = len("2026-01-01")
_SPAN = re.compile(r"(\d{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def day(time: Timestamp) -> str:
    """Write the day of a time in UTC; "" when there is none."""
    return moment(time)[:_DAY_CHARACTERS]


def second(time: Timestamp) -> str:
    """Write a time by RFC 3339 without its fraction; "" when there is none."""
    return moment(Timestamp(seconds=time.seconds))


def parse_role(word: str) -> RoleName:
    """Read a role. Raises typer.BadParameter."""
    roles: dict[str, RoleName] = {"client": "client", "operator": "operator", "worker": "worker"}
    if word not in roles:
        raise typer.BadParameter(f"{word!r} is no role", param_hint="--role")
    return roles[word]


def parse_span(word: str, option: str) -> timedelta | None:
    """Read a span of time such as 90m, 12h or 30d; "" is none. Raises typer.BadParameter."""
    if not word:
        return None
    match = _SPAN.fullmatch(word)
    if match is None or not int(match[1]):
        raise typer.BadParameter(f"{word!r} is no time such as 90m, 12h, 30d", param_hint=option)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_since(word: str) -> datetime | None:
    """Read how long ago something was, by this machine's clock. Raises typer.BadParameter."""
    span = parse_span(word, "--since")
    return None if span is None else datetime.now(UTC) - span
