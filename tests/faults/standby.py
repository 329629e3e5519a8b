"""A second PostgreSQL that has every commit before its client hears of it, to fail over to."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psycopg2

from babelmill.stack.postgres import EmbeddedPostgres, binaries
from tests.deadlines import eventually


def start_synchronous_standby(
    primary: EmbeddedPostgres, its_directory: Path, directory: Path
) -> EmbeddedPostgres:
    """Copy a running server and follow it; from then on it commits nothing alone."""
    directory.mkdir()
    subprocess.run(
        [
            binaries() / "pg_basebackup",
            *("--pgdata", directory / "data"),
            *("--dbname", primary.url("postgres")),
            *("--wal-method", "stream"),
            *("--checkpoint", "fast"),
            "--write-recovery-conf",
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    shutil.copy2(its_directory / "password", directory / "password")
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (directory, *directory.rglob("*")):
            os.lchown(path, nobody.pw_uid, nobody.pw_gid)
    standby = EmbeddedPostgres(directory)
    standby.start()
    _execute(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    _execute(primary, "SELECT pg_reload_conf()")
    eventually(
        lambda: _execute(primary, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
    )
    return standby


def promote(standby: EmbeddedPostgres) -> None:
    """Make it the primary; return when it takes writes."""
    assert _execute(standby, "SELECT pg_promote(true, 30)") == [(True,)]


def _execute(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(server.url())
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
