"""Server-Sent Events: their wire form, and the pump that keeps a stream alive.

The form is that of the HTML standard, section 9.2. What the events say is not
known here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import anyio

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-store",
    # nginx would hold events back to fill its buffer.
    "X-Accel-Buffering": "no",
}
KEEP_ALIVE = b": keep-alive\n\n"
GOING_AWAY = b": the server is going away, reconnect\n\n"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event. `data` is JSON, so it has no line break."""

    name: str
    data: str
    event_id: int | None = None

    def encode(self) -> bytes:
        """Write the event."""
        head = "" if self.event_id is None else f"id: {self.event_id}\n"
        return f"{head}event: {self.name}\ndata: {self.data}\n\n".encode()


def encode_retry(milliseconds: int) -> bytes:
    """Write how long a client shall wait before it reconnects."""
    return f"retry: {milliseconds}\n\n".encode()


def parse_last_event_id(text: str) -> int:
    """Read an id that was sent. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):  # noqa: PLR2004 - of an int64
        raise ValueError("not an id that was sent")
    return int(text)


async def pump(
    events: AsyncIterator[ServerEvent],
    *,
    stopping: asyncio.Event,
    keep_alive_seconds: float,
) -> AsyncGenerator[bytes]:
    """Write events as they come, and a comment when none comes for a while.

    Ends with the events, or when the server stops. A read is never cancelled
    to send a comment: cancelling it would cancel the call behind it.
    """
    stop = asyncio.ensure_future(stopping.wait())
    upcoming = asyncio.ensure_future(_next(events))
    try:
        while True:
            await asyncio.wait(
                {stop, upcoming},
                timeout=keep_alive_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if upcoming.done():
                event = upcoming.result()
                if event is None:
                    return
                upcoming = asyncio.ensure_future(_next(events))
                yield event.encode()
            elif stop.done():
                yield GOING_AWAY
                return
            else:
                yield KEEP_ALIVE
    finally:
        stop.cancel()
        upcoming.cancel()
        # Shielded: the response's cancelled scope would cut this wait short.
        with anyio.CancelScope(shield=True):
            await asyncio.gather(stop, upcoming, return_exceptions=True)


async def _next(events: AsyncIterator[ServerEvent]) -> ServerEvent | None:
    return await anext(events, None)
