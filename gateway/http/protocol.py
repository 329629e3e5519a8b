"""The edge's HTTP/1.1 protocol: uvicorn's, with a time cap on request heads.

uvicorn waits forever for a head that never ends; here the connection is closed
(slowloris). Malformed heads are answered with a problem like all other errors.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.http.limits import malformed_head
from gateway.problem_details import MEDIA_TYPE, problem_of

_LINGER_SECONDS = 1.0


class EdgeProtocol(H11Protocol):
    """One client connection. Subclass it to set `head_seconds`."""

    head_seconds = 15.0

    _head_timer: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override]  # uvicorn's word, not asyncio's
    ) -> None:
        """Begin, and wait for a head."""
        super().connection_made(transport)
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._untime_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self._refused:
            return  # what still comes of a refused head is read away
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._time_head()
        else:
            self._untime_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text is not used
        """Refuse a malformed or too large head, and close."""
        problem = problem_of(malformed_head())
        body = problem.model_dump_json(exclude_none=True).encode()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # an answer is on its way already
            return
        for event in (
            h11.Response(
                status_code=problem.status,
                headers=[
                    ("content-type", MEDIA_TYPE),
                    ("content-length", str(len(body))),
                    ("connection", "close"),
                ],
                reason=problem.title.encode(),
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            sent = self.conn.send(event)
            if sent:
                self.transport.write(sent)
        # Closing with bytes unread would reset the connection and lose the answer.
        self._refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _time_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._close_slow)

    def _untime_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
