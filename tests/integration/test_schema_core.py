"""The migrations make what the code names, however often and by however many."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg2
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from job_service.storage.engine import open_database
from job_service.storage.migrate import migrate
from job_service.storage.tables import METADATA

if TYPE_CHECKING:
    from babelmill.stack.postgres import EmbeddedPostgres


def test_tables_agree_with_the_migrations(database_url: str) -> None:
    database = open_database(database_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [
            difference
            for difference in compare_metadata(context, METADATA)
            # Indexes are the migrations' own matter: no query names one.
            if difference[0] != "remove_index"
        ]
    database.close()
    assert differences == []


def test_migrating_changes_nothing_when_done_before(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)


def test_migrating_is_done_once_when_several_services_start(
    postgres_server: "EmbeddedPostgres",
) -> None:
    connection = psycopg2.connect(postgres_server.url("postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE migrated_at_once")
        url = postgres_server.url("migrated_at_once")
        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(migrate, url) for _ in range(4)]:
                future.result()
        cursor.execute("DROP DATABASE migrated_at_once WITH (FORCE)")
    connection.close()
