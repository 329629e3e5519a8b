"""An HTTP server that plays an engine's server, by a script of what it does next.

    with ChatStub() as stub:
        stub.script(status(429, {"Retry-After": "1"}), hang())
        ...
        assert stub.calls == 2

When the script is over it behaves well. Every request is kept as it came.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    # Any: JSON of the client under test.
    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to send. `promised_bytes` lies about the length; `seconds` passes before each part."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds_before: float = 0.0
    seconds_between_bytes: float = 0.0
    promised_bytes: int | None = None
    hangs: bool = False


Act = Callable[[Request], Reply]


def status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> Act:
    """Answer with a status."""
    return lambda _: Reply(code, headers or {}, body)


def garbage(body: bytes = b"<html>Bad gateway</html>") -> Act:
    """Answer 200 with something that is not JSON."""
    return lambda _: Reply(body=body)


def hang() -> Act:
    """Take the request and never answer, until the server ends."""
    return lambda _: Reply(hangs=True)


class StubServer:
    """Serves on a port of its own; subclasses say how it behaves well."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._script: deque[Act] = deque()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stub._serve(self)

            def do_POST(self) -> None:
                stub._serve(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing: clients that go away are part of the play."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *acts: Act) -> None:
        """Do these next, one a request."""
        self._script.extend(acts)

    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    @property
    def calls(self) -> int:
        """How many requests for translations there were."""
        return len(self.posts())

    def behave(self, request: Request) -> Reply:
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.command, handler.path, headers, body, monotonic())
        with self._lock:
            self.requests.append(request)
            scripted = handler.command == "POST" and self._script
            act = self._script.popleft() if scripted else self.behave
        reply = act(request)
        if reply.hangs:
            self._ended.wait()
            handler.close_connection = True
            return
        self._ended.wait(reply.seconds_before)
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        length = len(reply.body) if reply.promised_bytes is None else reply.promised_bytes
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if reply.seconds_between_bytes:
            for index in range(len(reply.body)):
                if self._ended.wait(reply.seconds_between_bytes):
                    break
                handler.wfile.write(reply.body[index : index + 1])
                handler.wfile.flush()
        else:
            handler.wfile.write(reply.body)
        if length != len(reply.body):
            handler.close_connection = True


def json_reply(value: object) -> Reply:
    """Answer 200 with JSON."""
    return Reply(
        headers={"Content-Type": "application/json"},
        body=json.dumps(value, ensure_ascii=False).encode(),
    )
