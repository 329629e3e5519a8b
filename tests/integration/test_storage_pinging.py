"""Connections of the pool: asked when they were idle, trusted when they were just used."""

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from job_service.storage.engine import driver_url
from job_service.storage.pinging import ping_idle_connections


def _engine(url: str, trusted_seconds: float) -> Engine:
    engine = create_engine(driver_url(url), pool_size=1, max_overflow=0)
    ping_idle_connections(engine, trusted_seconds=trusted_seconds)
    return engine


def _server(engine: Engine) -> int:
    with engine.connect() as connection:
        pid: int = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return pid


def _end(url: str, pid: int) -> None:
    other = create_engine(driver_url(url))
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()


def test_a_lost_connection_is_replaced_unseen_when_it_was_idle(database_url: str) -> None:
    engine = _engine(database_url, trusted_seconds=0.0)
    lost = _server(engine)
    _end(database_url, lost)
    assert _server(engine) != lost
    engine.dispose()


def test_a_lost_connection_fails_once_when_it_was_just_used(database_url: str) -> None:
    engine = _engine(database_url, trusted_seconds=3600.0)
    lost = _server(engine)
    _end(database_url, lost)
    with pytest.raises(OperationalError):
        _server(engine)
    assert _server(engine) != lost
    engine.dispose()


@pytest.mark.parametrize(("trusted_seconds", "pings"), [(3600.0, 0), (0.0, 2)])
def test_only_idle_connections_are_asked(
    database_url: str, trusted_seconds: float, pings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _engine(database_url, trusted_seconds=trusted_seconds)
    asked: list[object] = []
    ping = engine.dialect.do_ping

    def counted(connection: object) -> bool:
        asked.append(connection)
        return ping(connection)  # type: ignore[arg-type]  # what the pool gave

    monkeypatch.setattr(engine.dialect, "do_ping", counted)
    for _round in range(3):
        _server(engine)
    assert len(asked) == pings
    engine.dispose()
