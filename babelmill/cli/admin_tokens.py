"""`babelmill admin tokens`: made, listed by how they start, and revoked."""

import os
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.admin_options import (
    Limit,
    RoleOption,
    TenantFilter,
    day,
    parse_role,
    parse_span,
)
from babelmill.cli.options import AsJson
from babelmill.cli.screen import to_json
from babelmill.cli.session import OPERATOR_TOKEN, session
from babelmill.client import Client
from babelmill.client.accounts import role_name
from babelmill.jobs.v1 import account_pb2

_TOKEN_START = "babelmill_"  # noqa: S105 - how every token starts

tokens = typer.Typer(
    help="What callers prove their tenant and role with.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@tokens.command("list")
def list_tokens(
    tenant: TenantFilter = "",
    user: Annotated[str, typer.Option("--user", help="Only of this user of the tenant.")] = "",
    prefix: Annotated[str, typer.Option("--prefix", help="Only those that start so.")] = "",
    valid: Annotated[bool, typer.Option("--valid", help="Only those that work.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List tokens, newest first, never themselves; with --json one a line."""
    with session("admin.tokens.list", token_name=OPERATOR_TOKEN) as run:
        found = islice(run.client.tokens(tenant, user=user, prefix=prefix, valid_only=valid), limit)
        if as_json:
            for token in found:
                run.screen.result(to_json(token))
            return
        rows = [
            (
                # Enough to revoke it by; the whole of a token is not known.
                token.prefix or token.token_id,
                f"{token.tenant}/{token.user}" if token.user else token.tenant,
                role_name(token.role),
                token.label,
                day(token.create_time),
                _standing(token),
            )
            for token in found
        ]
        run.screen.rows(("starts", "of", "role", "label", "created", "standing"), rows)


@tokens.command("create")
def create_token(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")],
    user: Annotated[str, typer.Option("--user", help="A user of the tenant.")] = "",
    role: RoleOption = "client",
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "",
    expires_in: Annotated[
        str, typer.Option("--expires-in", metavar="TIME", help="Such as 12h or 90d.")
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help="A new file, for its owner only, instead of stdout."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once."""
    wanted, expires = parse_role(role), parse_span(expires_in, "--expires-in")
    with session("admin.tokens.create", token_name=OPERATOR_TOKEN) as run:
        # Where it cannot be kept it is not made: nobody can read it again.
        file = None if token_file is None else _new_file(token_file)
        try:
            made = run.client.create_token(
                tenant, user=user, role=wanted, label=label, expires=expires
            )
        except BaseException:
            if file is not None and token_file is not None:
                os.close(file)
                token_file.unlink(missing_ok=True)
            raise
        if file is not None:
            with os.fdopen(file, "w") as opened:
                opened.write(f"{made.secret}\n")
            made.ClearField("secret")
        if as_json:
            run.screen.result(to_json(made))
        elif made.secret:
            run.screen.result(made.secret)
        run.screen.note(f"token {made.token.token_id} is made; it is not shown again")


@tokens.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, or enough of its start.")],
) -> None:
    """Make a token invalid for good, within a minute everywhere."""
    with session("admin.tokens.revoke", token_name=OPERATOR_TOKEN) as run:
        revoked = run.client.revoke_token(_token_id(run.client, token))
        run.screen.note(f"token {revoked.token_id} is revoked")


def _token_id(client: Client, given: str) -> str:
    """Find the one token that starts so. Raises typer.BadParameter."""
    if not given.startswith(_TOKEN_START):
        return given
    found = list(islice(client.tokens(prefix=given), 2))
    if len(found) != 1:
        many = "several tokens start" if found else "no token starts"
        raise typer.BadParameter(f"{many} so; see `babelmill admin tokens list`")
    return found[0].token_id


def _new_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _standing(token: account_pb2.Token) -> str:
    if token.HasField("revoke_time"):
        return f"revoked {day(token.revoke_time)}"
    return f"expires {day(token.expire_time)}" if token.HasField("expire_time") else ""
