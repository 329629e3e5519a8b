"""A database that says nothing: its calls end, and only its calls."""

import os
import signal
import time

import pytest
from sqlalchemy import text

from job_service.domain.errors import StorageUnavailable
from job_service.storage.engine import naming_troubles, open_database


def test_call_ends_when_the_server_is_frozen(database_url: str) -> None:
    database = open_database(database_url, answer_timeout_seconds=1.5)
    other = open_database(database_url, answer_timeout_seconds=60)
    try:
        with database.engine.connect() as connection, other.engine.connect() as healthy:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            healthy.execute(text("SELECT 2"))
            os.kill(backend, signal.SIGSTOP)
            try:
                asked_at = time.monotonic()
                with pytest.raises(StorageUnavailable), naming_troubles():
                    connection.execute(text("SELECT 2"))
                assert 1 < time.monotonic() - asked_at < 10
            finally:
                os.kill(backend, signal.SIGCONT)
            assert healthy.execute(text("SELECT 3")).scalar_one() == 3
        with database.engine.connect() as connection:
            assert connection.execute(text("SELECT 4")).scalar_one() == 4
    finally:
        other.close()
        database.close()


def test_commit_ends_when_the_server_is_frozen(database_url: str) -> None:
    database = open_database(database_url, answer_timeout_seconds=1.5)
    try:
        with database.engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            connection.execute(text("CREATE TABLE kept (n int)"))
            os.kill(backend, signal.SIGSTOP)
            try:
                with pytest.raises(StorageUnavailable), naming_troubles():
                    connection.commit()
            finally:
                os.kill(backend, signal.SIGCONT)
    finally:
        database.close()


def test_idle_connection_is_replaced_when_its_end_is_frozen(database_url: str) -> None:
    database = open_database(database_url, pool_size=1, answer_timeout_seconds=1.5)
    try:
        with database.engine.connect() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(backend, signal.SIGSTOP)
        try:
            with database.engine.connect() as connection:
                other = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            assert other != backend
        finally:
            os.kill(backend, signal.SIGCONT)
    finally:
        database.close()


def test_call_goes_on_when_it_is_within_its_time(database_url: str) -> None:
    database = open_database(database_url, answer_timeout_seconds=10)
    try:
        with database.engine.connect() as connection:
            assert connection.execute(text("SELECT pg_sleep(2), 5")).one()[1] == 5
    finally:
        database.close()
