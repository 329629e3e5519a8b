"""Tries a pooled connection before it is handed out, if it has not been used for a while.

SQLAlchemy's own `pool_pre_ping` asks every time: one more round trip for every
transaction, of which a busy service has hundreds a second. One that was used
a moment ago is taken as alive; if it is not after all, the statement fails,
its caller is told to try again, and the pool is emptied just the same.
"""

import time

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

TRUSTED_SECONDS = 1.0
_USED_AT = "used_at_seconds"


def ping_idle_connections(engine: Engine, *, trusted_seconds: float = TRUSTED_SECONDS) -> None:
    """Have an engine's pool ask connections that were idle for longer than this."""

    def note_use(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED_AT] = time.monotonic()

    def check(
        connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        used_at = entry.info.get(_USED_AT)
        # One that was just made has not been used.
        if used_at is None or time.monotonic() - used_at < trusted_seconds:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", check)
