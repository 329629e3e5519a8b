"""The command `babelmill-job-service`, and where its parts are put together.

`serve` (the default) runs the server, `migrate` brings the schema up to date,
`create-token` makes a tenant's token, `create-tokens` one of each role. Nothing
is created by itself. Where there is an operator's token, AdminService can make
the others, and needs no database.
"""

import argparse
import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from babelmill.kit.artifacts.opening import UnknownStore
from babelmill.kit.artifacts.store import StoreError
from babelmill.kit.process.lifecycle import StopSignal
from babelmill.kit.process.logs import configure_logging, get_logger
from babelmill.kit.process.settings import EXIT_CONFIG, load_settings
from babelmill.kit.process.telemetry import start_telemetry
from babelmill.kit.wire.trace_headers import without_tracing
from job_service.api.server import CannotListen
from job_service.application.tokens import Tokens
from job_service.domain.errors import Refusal, StorageUnavailable
from job_service.domain.principal import Role
from job_service.serving import DATABASE_CONNECTIONS, JobService
from job_service.settings import DatabaseSettings, JobServiceSettings
from job_service.storage.engine import open_database
from job_service.storage.migrate import migrate
from job_service.storage.schema_standing import Standing, schema_standing
from job_service.storage.spans import trace_statements
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory

_log = get_logger(__name__)

T = TypeVar("T")

SERVICE = "job_service"

# These statuses are the ones that sysexits.h names.
EXIT_UNAVAILABLE = 69
EXIT_SOFTWARE = 70
EXIT_CANNOT_CREATE = 73

_HARD_STOP_EXTRA_SECONDS = 5.0
_RETRY_SECONDS = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    return command(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="babelmill-job-service",
        description="The job service. Settings come from BABELMILL_… variables.",
    )
    parser.set_defaults(command=_serve)
    commands = parser.add_subparsers(metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the server (the default)")
    serve.set_defaults(command=_serve)
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrating.set_defaults(command=_migrate)
    token = commands.add_parser("create-token", help="make a token, and its tenant if need be")
    token.add_argument("--tenant", required=True, help="the tenant's name")
    token.add_argument("--role", required=True, choices=[role.value for role in Role])
    token.add_argument(
        "--token-file",
        type=Path,
        help="a new file, readable by its owner only; without it the token goes to stdout",
    )
    token.add_argument("--label", default="", help="what it is for")
    token.set_defaults(command=_create_token)
    every = commands.add_parser("create-tokens", help="make a token of each role, for a stack")
    every.add_argument("--tenant", required=True, help="the tenant's name")
    every.add_argument(
        "--directory",
        required=True,
        type=Path,
        help="where ROLE.token is made for each role that has none, for its owner only",
    )
    every.set_defaults(command=_create_tokens)
    return parser


def _serve(_: argparse.Namespace) -> int:
    settings = load_settings(JobServiceSettings)
    _configure_logging(settings)
    telemetry = start_telemetry(SERVICE, settings.otlp_endpoint)
    try:
        return asyncio.run(_run_server(settings))
    except (CannotListen, StoreError, UnknownStore) as error:
        return _complain(str(error), EXIT_CONFIG)
    finally:
        telemetry.shutdown()


def _configure_logging(settings: DatabaseSettings) -> None:
    configure_logging(SERVICE, settings.log_level)
    # It tells of every look at the schema as if it were a migration.
    logging.getLogger("alembic").setLevel(logging.WARNING)


async def _run_server(settings: JobServiceSettings) -> int:
    stop = StopSignal()
    stop.install_async()
    database = open_database(settings.database_url.get_secret_value(), DATABASE_CONNECTIONS)
    trace_statements(database.engine)
    try:
        trouble = await asyncio.to_thread(_await_schema, settings, stop)
        if trouble:
            return _complain(trouble, EXIT_UNAVAILABLE)
        if stop.requested:
            return 0
        service = JobService(settings, database)
        await service.start()
        _log.info("serving")
        reason = await stop.wait_async()
        _log.info("stopping", reason=reason)
        _end_at_last(settings.drain_seconds + _HARD_STOP_EXTRA_SECONDS)
        await service.stop()
    finally:
        database.close()
    return 0


def _await_schema(settings: DatabaseSettings, stop: StopSignal) -> str:
    """Wait for a database with this version's schema; return what is wrong, if anything."""
    url = settings.database_url.get_secret_value()
    with without_tracing():
        try:
            standing = _retried(lambda: schema_standing(url), settings, stop)
        except StorageUnavailable:
            return "The database at BABELMILL_DATABASE_URL cannot be reached."
    if standing is Standing.EMPTY:
        return "The database is empty: run `babelmill-job-service migrate` first."
    if standing is Standing.BEHIND:
        return "The database's schema is too old: run `babelmill-job-service migrate` first."
    if standing is Standing.AHEAD:
        # Migrations keep what the version before them needs.
        _log.warning("schema_is_newer")
    return ""


def _migrate(_: argparse.Namespace) -> int:
    settings = load_settings(DatabaseSettings)
    configure_logging(SERVICE, settings.log_level)
    url = settings.database_url.get_secret_value()
    try:
        _retried(lambda: migrate(url), settings, StopSignal())
    except StorageUnavailable:
        return _complain(
            "The database at BABELMILL_DATABASE_URL cannot be reached.", EXIT_UNAVAILABLE
        )
    _log.info("schema_migrated")
    return 0


def _create_token(arguments: argparse.Namespace) -> int:
    role = Role(arguments.role)

    def create(tokens: Tokens) -> int:
        def make() -> str:
            return _new_token(tokens, arguments.tenant, role, arguments.label)

        return _hand_out(arguments.token_file, make)

    return _with_tokens(create)


def _create_tokens(arguments: argparse.Namespace) -> int:
    missing = [
        (role, path)
        for role in Role
        if not (path := arguments.directory / f"{role.value}.token").exists()
    ]

    def create(tokens: Tokens) -> int:
        for role, path in missing:
            make = partial(_new_token, tokens, arguments.tenant, role, "stack")
            status = _hand_out(path, make)
            if status:
                return status
        return 0

    return _with_tokens(create) if missing else 0


def _with_tokens(work: Callable[[Tokens], int]) -> int:
    settings = load_settings(DatabaseSettings)
    _configure_logging(settings)
    trouble = _await_schema(settings, StopSignal())
    if trouble:
        return _complain(trouble, EXIT_UNAVAILABLE)
    database = open_database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        return work(Tokens(units=SqlUnitOfWorkFactory(database)))
    except Refusal as refusal:
        return _complain(str(refusal), EXIT_UNAVAILABLE)
    finally:
        database.close()


def _new_token(tokens: Tokens, tenant: str, role: Role, label: str) -> str:
    tenant_id = tokens.create_tenant(tenant)
    return tokens.create_token(tenant_id, role, label=label, tenant=tenant)


def _hand_out(path: Path | None, make_token: Callable[[], str]) -> int:
    """Make a token where it can be kept: one that nobody can read again is not made."""
    if path is None:
        sys.stdout.write(f"{make_token()}\n")
        return 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        return _complain(f"cannot create {path}: {error.strerror}", EXIT_CANNOT_CREATE)
    with os.fdopen(descriptor, "w") as file:
        try:
            file.write(f"{make_token()}\n")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return 0


def _retried(call: Callable[[], T], settings: DatabaseSettings, stop: StopSignal) -> T:
    """Call until the database answers, for a bounded time. Raises StorageUnavailable."""
    give_up_at = time.monotonic() + settings.database_wait_seconds
    while True:
        try:
            return call()
        except StorageUnavailable:
            if stop.requested or time.monotonic() >= give_up_at:
                raise
            _log.warning("database_awaited")
        stop.wait(_RETRY_SECONDS)


def _end_at_last(seconds: float) -> None:
    """End the process for certain, whatever still hangs then."""

    def end() -> None:
        _log.error("drain_overran", seconds=seconds)
        sys.stderr.flush()
        os._exit(EXIT_SOFTWARE)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _complain(trouble: str, status: int) -> int:
    sys.stderr.write(f"babelmill-job-service: {trouble}\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
