"""What every response gets, and what is told of every request.

Innermost of the outer layers: security headers, one log line without query or
token, a span without the query, and the last catch of a defect, so that no stack ever
reaches a client.
"""

import time

from opentelemetry import trace
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from babelmill.kit.process.logs import get_logger
from gateway.http.streaming import StreamBroken
from gateway.problem_details import internal_problem, problem_response

_log = get_logger(__name__)
QUIET_PATHS = frozenset({"/healthz", "/readyz"})
_CLIENT_CLOSED = 499  # for the log only: nobody was there to be answered


class Observation:
    """ASGI middleware around everything but the server span."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["query_string"]:
            # It may hold a page token or a user's filename.
            trace.get_current_span().set_attribute("url.query", "[hidden]")
        started = time.monotonic()
        status: int | None = None

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _secure(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, observe)
        except (ClientDisconnect, StreamBroken):
            status = status or _CLIENT_CLOSED
        except Exception as error:  # noqa: BLE001 - the edge: a defect is answered, not shown
            _log.error("request_failed", exc_info=error)
            if status is None:
                await problem_response(internal_problem())(scope, receive, observe)
        finally:
            _tell(scope, status or _CLIENT_CLOSED, time.monotonic() - started)


def _secure(headers: MutableHeaders) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Cache-Control", "no-store")


def _tell(scope: Scope, status: int, elapsed_seconds: float) -> None:
    # The route's template: the path itself may hold what a client made up.
    route: str = getattr(scope.get("route"), "path", "(none)")
    if route in QUIET_PATHS:
        return
    _log.info(
        "request_served",
        method=scope["method"],
        route=route,
        status=status,
        duration_ms=round(elapsed_seconds * 1000, 1),
    )
