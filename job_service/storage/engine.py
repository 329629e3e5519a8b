"""The connection pool, and how the database's troubles are named.

Every connection gives up by itself: on a lock, on a statement, on a
transaction that someone forgot, on a server that says nothing. Nothing here
knows a table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from job_service.domain.errors import OutOfSpace, StorageUnavailable
from job_service.storage.unanswered import Patience, TimedCursor

LOCK_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 30
# Locks of a service that has frozen, or cannot be heard, are held for so long.
IDLE_IN_TRANSACTION_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
POOL_TIMEOUT_SECONDS = 10
# Longer than a server that is well lets any statement run.
ANSWER_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS + 10
PING_TIMEOUT_SECONDS = 5

_DISK_FULL = "53100"
# PostgreSQL, appendix A: these pass by themselves, so the caller may try again.
_PASSING_CLASSES = ("08", "40", "53", "55", "57", "58")


@dataclass(frozen=True, slots=True)
class Database:
    """The pool of one process."""

    engine: Engine
    patience: Patience

    def close(self) -> None:
        """Close all connections; those in use close when they are given back."""
        self.engine.dispose()
        self.patience.end()


def driver_url(url: str) -> URL:
    """Name the driver in a plain postgresql:// address."""
    return make_url(url).set(drivername="postgresql+psycopg2")


def open_database(
    url: str, pool_size: int = 8, *, answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
) -> Database:
    """Prepare a pool; it connects when it is first used."""
    patience = Patience(
        call_seconds=answer_timeout_seconds,
        ping_seconds=min(answer_timeout_seconds, PING_TIMEOUT_SECONDS),
    )
    options = (
        f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s"
        f" -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_SECONDS}s"
        " -c timezone=UTC"
    )
    engine = create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_pre_ping=True,
        # Many rows of an UPDATE go out together instead of one by one.
        executemany_mode="values_plus_batch",
        # Errors must not carry users' texts into logs.
        hide_parameters=True,
        connect_args={
            "options": options,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "connection_factory": patience.connect,
            "cursor_factory": TimedCursor,
            "application_name": "babelmill-job-service",
            # A peer that has vanished is noticed within 30 s.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
        },
    )
    return Database(engine, patience)


@contextmanager
def naming_troubles() -> Iterator[None]:
    """Turn the driver's operational errors into StorageUnavailable or OutOfSpace."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StorageUnavailable("All database connections are in use; try again.") from error
    except DBAPIError as error:
        code = str(getattr(error.orig, "pgcode", None) or "")
        if code == _DISK_FULL:
            raise OutOfSpace from error
        lost = error.connection_invalidated or isinstance(error, InterfaceError)
        unnamed = isinstance(error, OperationalError) and not code
        if lost or unnamed or code.startswith(_PASSING_CLASSES):
            raise StorageUnavailable from error
        raise
