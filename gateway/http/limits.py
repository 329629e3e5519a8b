"""How much and how slowly a client may send: caps on bodies in size and time.

Applied beneath all routes, on the bytes as they arrive, so that neither a
chunked body without a length nor a dripping one gets around them. How slowly a
head may come is the protocol's affair, see `protocol`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problem_details import ProblemError, problem_response

# How long the rest of a refused body is read away, so that the answer is not lost
# in the reset that closing with unread bytes causes (RFC 9112 section 9.6).
_LINGER_SECONDS = 5.0
_LINGER_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What this edge allows, decided once at start."""

    max_head_bytes: int = 32 * 1024
    max_json_bytes: int = 2 * 1024 * 1024
    max_upload_bytes: int = 8 * 1024**3
    json_body_seconds: float = 30.0
    upload_idle_seconds: float = 30.0
    send_stall_seconds: float = 60.0
    keep_alive_seconds: float = 15.0


class BodyLimits:
    """ASGI middleware that meters the request's body."""

    def __init__(self, app: ASGIApp, *, limits: Limits, is_upload: Callable[[Scope], bool]) -> None:
        self._app = app
        self._limits = limits
        self._is_upload = is_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        upload = self._is_upload(scope)
        meter = _Meter(
            receive,
            send,
            largest_bytes=self._limits.max_upload_bytes if upload else self._limits.max_json_bytes,
            wait_seconds=self._limits.upload_idle_seconds if upload else None,
            total_seconds=None if upload else self._limits.json_body_seconds,
            has_body="transfer-encoding" in headers or headers.get("content-length", "0") != "0",
        )
        refusal = _refusal_of_head(headers, meter.largest_bytes, self._limits.max_head_bytes)
        if refusal is not None:
            await problem_response(refusal)(scope, receive, meter.send)
            return
        await self._app(scope, meter.receive, meter.send)


class _Meter:
    """Counts and times one body, and ends the connection if it is left unread."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        largest_bytes: int,
        wait_seconds: float | None,
        total_seconds: float | None,
        has_body: bool,
    ) -> None:
        self._receive = receive
        self._send = send
        self.largest_bytes = largest_bytes
        self._wait_seconds = wait_seconds
        self._until = None if total_seconds is None else time.monotonic() + total_seconds
        self._unread = has_body
        self._received_bytes = 0

    async def receive(self) -> Message:
        """Receive the next message. Raises ProblemError past a cap."""
        if not self._unread:
            return await self._receive()
        wait = self._wait_seconds
        if self._until is not None:
            wait = self._until - time.monotonic()
        try:
            async with asyncio.timeout(wait):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(
                HTTPStatus.REQUEST_TIMEOUT, "BODY_TOO_SLOW", "The body did not arrive in time."
            ) from None
        self._count(message)
        if self._received_bytes > self.largest_bytes:
            raise too_large(self.largest_bytes)
        return message

    async def send(self, message: Message) -> None:
        """Send a message; after an early answer, linger and close."""
        if message["type"] == "http.response.start" and self._unread:
            MutableHeaders(scope=message)["Connection"] = "close"
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not (is_last and self._unread):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._linger()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        until = time.monotonic() + _LINGER_SECONDS
        try:
            while self._unread and time.monotonic() < until:
                async with asyncio.timeout(_LINGER_IDLE_SECONDS):
                    self._count(await self._receive())
        except TimeoutError:
            return

    def _count(self, message: Message) -> None:
        if message["type"] != "http.request":
            self._unread = False
            return
        self._received_bytes += len(message.get("body", b""))
        self._unread = bool(message.get("more_body", False))


def too_large(largest_bytes: int) -> ProblemError:
    """Make the refusal of a body over its cap."""
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "TOO_LARGE",
        f"The body is larger than {largest_bytes} bytes.",
        metadata={"largest_bytes": str(largest_bytes)},
    )


def malformed_head() -> ProblemError:
    """Make the refusal of a head that cannot be taken."""
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        "MALFORMED_REQUEST",
        "The request is not valid HTTP, or its head is too large.",
    )


def _refusal_of_head(
    headers: Headers, largest_bytes: int, largest_head_bytes: int
) -> ProblemError | None:
    # The protocol counts only heads that come in pieces.
    if sum(len(name) + len(value) for name, value in headers.raw) > largest_head_bytes:
        return malformed_head()
    # Whoever sends both may hide a second request from a proxy (RFC 9112 section 6.1).
    if "transfer-encoding" in headers and "content-length" in headers:
        return malformed_head()
    if headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        return ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_CONTENT_ENCODING",
            "Send the body without a Content-Encoding.",
        )
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > largest_bytes:
        return too_large(largest_bytes)
    return None
