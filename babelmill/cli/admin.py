"""`babelmill admin`: tenants, users and the audit log, for operators."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated

import typer
from google.protobuf.message import Message

from babelmill.cli.admin_options import (
    Limit,
    RoleOption,
    TenantFilter,
    day,
    parse_role,
    parse_since,
    second,
)
from babelmill.cli.admin_tokens import tokens
from babelmill.cli.options import AsJson
from babelmill.cli.screen import Screen, to_json
from babelmill.cli.session import OPERATOR_TOKEN, session
from babelmill.client.accounts import role_name
from babelmill.jobs.v1 import account_pb2

admin = typer.Typer(
    help=(
        "Keep tenants, users and tokens, and read the audit log. Needs an operator's token in "
        f"{OPERATOR_TOKEN}, or BABELMILL_TOKEN."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)
tenants = typer.Typer(help="Who owns jobs.", no_args_is_help=True, rich_markup_mode=None)
users = typer.Typer(help="Who has tokens of a tenant.", no_args_is_help=True, rich_markup_mode=None)
admin.add_typer(tenants, name="tenants")
admin.add_typer(users, name="users")
admin.add_typer(tokens, name="tokens")

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
UserName = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]


@tenants.command("list")
def list_tenants(limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the tenants, newest first; with --json one a line."""
    with session("admin.tenants.list", token_name=OPERATOR_TOKEN) as run:
        found = list(islice(run.client.tenants(), limit))
        rows = [(t.name, t.tenant_id, day(t.create_time), _standing(t)) for t in found]
        _show(run.screen, found, ("tenant", "id", "created", "standing"), rows, as_json)


@tenants.command("create")
def create_tenant(name: TenantName, as_json: AsJson = False) -> None:
    """Make a tenant and print its id."""
    with session("admin.tenants.create", token_name=OPERATOR_TOKEN) as run:
        made = run.client.create_tenant(name)
        run.screen.result(to_json(made) if as_json else made.tenant_id)


@tenants.command("disable")
def disable_tenant(name: TenantName) -> None:
    """Make all tokens of a tenant invalid; its jobs go on."""
    with session("admin.tenants.disable", token_name=OPERATOR_TOKEN) as run:
        run.client.disable_tenant(name)
        run.screen.note(f"tenant {name} is disabled")


@tenants.command("enable")
def enable_tenant(name: TenantName) -> None:
    """Make the tokens of a tenant valid again."""
    with session("admin.tenants.enable", token_name=OPERATOR_TOKEN) as run:
        run.client.enable_tenant(name)
        run.screen.note(f"tenant {name} is enabled")


@users.command("list")
def list_users(tenant: TenantFilter = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List users, newest first; with --json one a line."""
    with session("admin.users.list", token_name=OPERATOR_TOKEN) as run:
        found = list(islice(run.client.users(tenant), limit))
        rows = [
            (u.name, u.tenant, role_name(u.role), day(u.create_time), _standing(u)) for u in found
        ]
        heads = ("user", "tenant", "role", "created", "standing")
        _show(run.screen, found, heads, rows, as_json)


@users.command("create")
def create_user(
    tenant: TenantName, name: UserName, role: RoleOption = "client", as_json: AsJson = False
) -> None:
    """Make a user of a tenant and print its id."""
    wanted = parse_role(role)
    with session("admin.users.create", token_name=OPERATOR_TOKEN) as run:
        made = run.client.create_user(tenant, name, role=wanted)
        run.screen.result(to_json(made) if as_json else made.user_id)


@users.command("disable")
def disable_user(tenant: TenantName, name: UserName) -> None:
    """Make all tokens of a user invalid."""
    with session("admin.users.disable", token_name=OPERATOR_TOKEN) as run:
        run.client.disable_user(tenant, name)
        run.screen.note(f"user {tenant}/{name} is disabled")


@users.command("enable")
def enable_user(tenant: TenantName, name: UserName) -> None:
    """Make the tokens of a user valid again."""
    with session("admin.users.enable", token_name=OPERATOR_TOKEN) as run:
        run.client.enable_user(tenant, name)
        run.screen.note(f"user {tenant}/{name} is enabled")


@admin.command()
def audit(
    tenant: TenantFilter = "",
    action: Annotated[str, typer.Option("--action", help="Only this, such as token.create.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="AGO", help="Only since, such as 90m, 12h or 7d ago.")
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Print who did what to whom and when, newest first; with --json one a line."""
    occurred_after = parse_since(since)
    with session("admin.audit", token_name=OPERATOR_TOKEN) as run:
        entries = run.client.audit_entries(tenant, action=action, occurred_after=occurred_after)
        found = list(islice(entries, limit))
        rows = [
            (
                second(e.occur_time),
                e.actor,
                e.action,
                e.tenant,
                e.subject,
                " ".join(f"{key}={value}" for key, value in sorted(e.details.items())),
            )
            for e in found
        ]
        heads = ("when", "who", "what", "tenant", "to", "details")
        _show(run.screen, found, heads, rows, as_json)


def _standing(owner: account_pb2.Tenant | account_pb2.User) -> str:
    return f"disabled {day(owner.disable_time)}" if owner.HasField("disable_time") else ""


def _show(
    screen: Screen,
    found: Sequence[Message],
    heads: tuple[str, ...],
    rows: Sequence[Sequence[str]],
    as_json: bool,
) -> None:
    if as_json:
        for message in found:
            screen.result(to_json(message))
    else:
        screen.rows(heads, rows)
