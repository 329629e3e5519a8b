"""Streamed responses that always close what they stream from.

Starlette leaves the content's generator suspended when the client goes away in
the middle of a send; the call behind it would live on until collected. Here it
is closed before the request ends, and a client that stops reading is let go.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send


class StreamBroken(Exception):
    """The rest of a response cannot be sent; the connection ends in its middle."""


class ClosingStream(StreamingResponse):
    """Streams a generator; then closes it and calls `on_close`, come what may."""

    def __init__(
        self,
        content: AsyncGenerator[bytes],
        *,
        on_close: Callable[[], Awaitable[None]],
        stall_seconds: float,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, media_type)
        self._content = content
        self._on_close = on_close
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. Raises StreamBroken when the client stops reading."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await send(message)
            except TimeoutError:
                raise StreamBroken from None

        try:
            await super().__call__(scope, receive, send_in_time)
        finally:
            with anyio.CancelScope(shield=True):
                await self._content.aclose()
                await self._on_close()
