"""Gives up on a database that says nothing, for which libpq would wait without end.

A server that is frozen cannot keep its own timeouts, and a proxy whose far
side is gone keeps the connection alive. So every call's time is taken here,
and a connection whose call has run for too long is cut: the call then fails
as it does when the server dies. Nothing else is done about it here.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from psycopg2.extensions import connection as PlainConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as PlainCursor  # noqa: N812 - as above

from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)

_PING = "SELECT 1"


class Patience:
    """Takes the time of calls; its thread ends those that nobody answers.

    `ping_seconds` is for the question with which the pool tries a connection
    before it hands it out: on an idle connection that is where silence shows.
    """

    def __init__(
        self, *, call_seconds: float, ping_seconds: float, interval_seconds: float = 1.0
    ) -> None:
        self._call_seconds = call_seconds
        self._ping_seconds = ping_seconds
        self._interval_seconds = interval_seconds
        self._deadlines: dict[PlainConnection, float] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="database-patience", daemon=True)
        self._thread.start()

    def connect(self, dsn: str) -> PlainConnection:
        """Make a connection whose calls are timed; psycopg2's `connection_factory`."""
        connection = _TimedConnection(dsn)
        connection.patience = self
        return connection

    def begin(self, connection: PlainConnection, query: object = None) -> None:
        """Take the time of a call from now on."""
        seconds = self._ping_seconds if query == _PING else self._call_seconds
        with self._lock:
            self._deadlines[connection] = time.monotonic() + seconds

    def finish(self, connection: PlainConnection) -> None:
        """Note that the call has ended."""
        with self._lock:
            self._deadlines.pop(connection, None)

    def end(self) -> None:
        """Stop the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_seconds):
            now = time.monotonic()
            # Under the lock no timed call returns, so no connection is closed meanwhile.
            with self._lock:
                late = [each for each, deadline in self._deadlines.items() if now >= deadline]
                for connection in late:
                    del self._deadlines[connection]
                    _cut(connection)
            if late:
                _log.warning("database_does_not_answer", connections=len(late))


def _cut(connection: PlainConnection) -> None:
    """Let the call that waits on this connection find it closed."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class _TimedConnection(PlainConnection):
    """A connection whose calls are timed; those that psycopg2 makes while it connects are not."""

    patience: Patience | None = None

    def commit(self) -> None:
        self._timed(super().commit)

    def rollback(self) -> None:
        self._timed(super().rollback)

    def _timed(self, call: Callable[[], None]) -> None:
        if self.patience is None:
            call()
            return
        self.patience.begin(self)
        try:
            call()
        finally:
            self.patience.finish(self)


class TimedCursor(PlainCursor):
    """A cursor of such a connection."""

    # Any: psycopg2's own arguments, passed through.
    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name
        """Run a statement."""
        connection = self.connection
        patience = connection.patience if isinstance(connection, _TimedConnection) else None
        if patience is None:
            super().execute(query, vars)
            return
        # Not a context manager: this runs for every statement.
        patience.begin(connection, query)
        try:
            super().execute(query, vars)
        finally:
            patience.finish(connection)
