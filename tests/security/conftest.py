"""Doors for a module of tests, behind which its own database lies."""

from collections.abc import Iterator
from contextlib import closing

import grpc
import httpx
import psycopg2
import pytest

from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.valkey import EmbeddedValkey
from tests.security.doors import Doors, open_doors


@pytest.fixture(scope="module")
def doors(
    request: pytest.FixtureRequest,
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    valkey_server: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Doors]:
    """Both doors; a module's `ENVIRONMENT` says how they are set."""
    name = request.module.__name__.rpartition(".")[2]
    with closing(psycopg2.connect(postgres_server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE security_{name} TEMPLATE {migrated_template}")
    environment = getattr(request.module, "ENVIRONMENT", {})
    with open_doors(
        postgres_server.url(f"security_{name}"),
        valkey_server.url(),
        tmp_path_factory.mktemp("doors"),
        **environment,
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def channel(doors: Doors) -> Iterator[grpc.Channel]:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(doors.grpc_address, options=options) as channel:
        yield channel


@pytest.fixture
def http(doors: Doors) -> Iterator[httpx.Client]:
    with doors.http() as client:
        yield client
