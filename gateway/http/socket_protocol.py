"""The edge's WebSocket protocol: uvicorn's, with an end for clients that never read theirs.

uvicorn closes a connection when the application is done with it, but waits
without a limit for what is still to be sent: a client that reads nothing would
keep the connection, and its buffer, for as long as it likes.
"""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class EdgeSocketProtocol(WebSocketsSansIOProtocol):
    """One client's WebSocket. Subclass it to set `linger_seconds`."""

    linger_seconds = 10.0

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Give the client a while to read what was sent, and let go of it."""
        super().on_task_complete(task)
        # Of a connection that has ended by then, nothing is left to abort.
        self.loop.call_later(self.linger_seconds, self.transport.abort)
