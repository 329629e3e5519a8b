"""WebSockets: a stream of messages to a client, kept alive and always closed.

Messages go one way. What the client sends is read, so that its going is seen,
and dropped. What the messages say is not known here.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from enum import IntEnum

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from babelmill.kit.process.logs import get_logger
from gateway.problem_details import ProblemError, problem_response

_log = get_logger(__name__)

PROTOCOL = "babelmill.v1"
TOKEN_PROTOCOL = "babelmill.token."  # noqa: S105 - what stands before a token, not one
_APPLICATION_CODES = 4000  # RFC 6455 section 7.4.2


class CloseCode(IntEnum):
    """Why this side closes, by RFC 6455 section 7.4.1 and the registry of codes."""

    NORMAL = 1000
    ABNORMAL = 1006
    """Never sent: the connection was gone already."""
    DEFECT = 1011
    SERVICE_RESTART = 1012


class SocketRefusal(Exception):
    """The stream cannot go on; closes it with 4000 and the HTTP status that it stands for."""

    def __init__(self, status: int, last_message: str) -> None:
        super().__init__(status)
        self.code = _APPLICATION_CODES + status
        self.last_message = last_message


def token_of(websocket: WebSocket) -> str:
    """Read the token that a browser offers as a subprotocol; empty if there is none."""
    offered: list[str] = websocket.scope.get("subprotocols", [])
    return next(
        (each.removeprefix(TOKEN_PROTOCOL) for each in offered if each.startswith(TOKEN_PROTOCOL)),
        "",
    )


async def refuse(websocket: WebSocket, refusal: ProblemError, started: float) -> None:
    """Answer the handshake as any other request is answered that is refused."""
    await websocket.send_denial_response(problem_response(refusal))
    _tell(websocket, refusal.status.value, started)


async def serve(
    websocket: WebSocket,
    messages: AsyncGenerator[str],
    *,
    stopping: asyncio.Event,
    stall_seconds: float,
) -> None:
    """Accept, and send the messages until they end, the client goes, or the server stops.

    A client that does not read for `stall_seconds` is let go.
    """
    started = time.monotonic()
    code: int = CloseCode.ABNORMAL
    offered: list[str] = websocket.scope.get("subprotocols", [])
    await websocket.accept(PROTOCOL if PROTOCOL in offered else None)
    gone = asyncio.ensure_future(_until_gone(websocket))
    stop = asyncio.ensure_future(stopping.wait())
    upcoming = asyncio.ensure_future(_next(messages))
    try:
        while True:
            await asyncio.wait({gone, stop, upcoming}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                code = gone.result()
                return
            if upcoming.done():
                message = upcoming.result()
                if message is None:
                    code = CloseCode.NORMAL
                    break
                upcoming = asyncio.ensure_future(_next(messages))
                async with asyncio.timeout(stall_seconds):
                    await websocket.send_text(message)
            elif stop.done():
                code = CloseCode.SERVICE_RESTART
                break
        await websocket.close(code)
    except SocketRefusal as refusal:
        code = refusal.code
        async with asyncio.timeout(stall_seconds):
            await websocket.send_text(refusal.last_message)
            await websocket.close(code)
    except (TimeoutError, WebSocketDisconnect):
        return
    except Exception as error:  # noqa: BLE001 - the edge: a defect is logged, not shown
        _log.error("socket_failed", exc_info=error)
        code = CloseCode.DEFECT
        await websocket.close(code)
    finally:
        for each in (gone, stop, upcoming):
            each.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(gone, stop, upcoming, return_exceptions=True)
            await messages.aclose()
        _tell(websocket, code, started)


async def _until_gone(websocket: WebSocket) -> int:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return int(message.get("code") or CloseCode.ABNORMAL)


async def _next(messages: AsyncGenerator[str]) -> str | None:
    return await anext(messages, None)


def _tell(websocket: WebSocket, code: int, started: float) -> None:
    route: str = getattr(websocket.scope.get("route"), "path", "(none)")
    _log.info(
        "socket_served",
        route=route,
        code=int(code),
        duration_ms=round((time.monotonic() - started) * 1000, 1),
    )
