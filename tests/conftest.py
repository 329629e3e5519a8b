"""Real servers for the tests: PostgreSQL, Valkey, and whole stacks.

A session has one of each server; a test gets its own database (cloned from a
migrated template) and an empty Valkey.
"""

import itertools
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
import redis as redis_client

if TYPE_CHECKING:
    from babelmill.stack.postgres import EmbeddedPostgres
    from babelmill.stack.valkey import EmbeddedValkey

# The developer's own settings must not leak into a test.
for _name in [name for name in os.environ if name.startswith(("BABELMILL_", "OTEL_"))]:
    del os.environ[_name]
# Servers are started by fork while tests have gRPC channels, whose threads
# would run in the child too and crash it before it has become the server.
# gRPC reads this when it is imported.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# For root, PostgreSQL runs as a lesser user, who must be let in to its data. Every start of
# pytest shuts others out of the directory that all of a user's runs share, so that tests
# elsewhere would take the data away from these: this checkout has a directory of its own.
_checkout = zlib.crc32(str(Path(__file__).parent).encode())
_temporary = Path(tempfile.gettempdir()) / f"babelmill-tests-{os.getuid()}-{_checkout:08x}"
_temporary.mkdir(mode=0o700, exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_temporary))

_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["EmbeddedPostgres"]:
    from babelmill.stack.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: "EmbeddedPostgres") -> str:
    """The name of a database with the newest schema and no rows."""
    from job_service.storage.migrate import migrate

    _execute(postgres_server.url("postgres"), "CREATE DATABASE template_migrated")
    migrate(postgres_server.url("template_migrated"))
    return "template_migrated"


@pytest.fixture
def database_url(postgres_server: "EmbeddedPostgres", migrated_template: str) -> Iterator[str]:
    """A database of the test's own, migrated and empty."""
    name = f"test_{next(_database_numbers)}"
    maintenance = postgres_server.url("postgres")
    _execute(maintenance, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield postgres_server.url(name)
    _execute(maintenance, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["EmbeddedValkey"]:
    from babelmill.stack.valkey import EmbeddedValkey

    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey_server: "EmbeddedValkey") -> Iterator[str]:
    """An empty Valkey database."""
    client = redis_client.Redis.from_url(valkey_server.url())
    client.flushall()
    yield valkey_server.url()
    client.flushall()
    client.close()


@pytest.fixture
def artifacts_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "artifacts"
    directory.mkdir()
    return directory


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
