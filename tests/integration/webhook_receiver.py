"""A receiver of webhooks: a real HTTP server that answers as a test wishes, and remembers."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:  # Any: whatever JSON came
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def sequence(self) -> int:
        sequence: int = self.event["data"]["sequence"]
        return sequence


@dataclass(frozen=True)
class Reply:
    """How to answer; `hold` is waited for first."""

    status: int = 204
    headers: Mapping[str, str] | None = None
    hold: threading.Event | None = None


class Receiver:
    """Answers 204 unless a path is given an answer of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[Received] = []
        self.most_at_once: dict[str, int] = defaultdict(int)
        self._open: dict[str, int] = defaultdict(int)
        self._replies: dict[str, Callable[[Received], Reply]] = {}
        self._changed = threading.Condition()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path: str, reply: Callable[[Received], Reply]) -> None:
        self._replies[path] = reply

    def on(self, path: str) -> list[Received]:
        with self._changed:
            return [each for each in self.requests if each.path == path]

    def wait(self, path: str, count: int, timeout_seconds: float = 20) -> list[Received]:
        """Wait until a path has been asked so often."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while True:
                found = [each for each in self.requests if each.path == path]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"{path} was asked {len(found)} times, not {count}"
                self._changed.wait(left)

    def take(self, received: Received) -> Reply:
        with self._changed:
            self.requests.append(received)
            self._open[received.path] += 1
            at_once = max(self.most_at_once[received.path], self._open[received.path])
            self.most_at_once[received.path] = at_once
            self._changed.notify_all()
        try:
            reply = self._replies.get(received.path, _welcome)(received)
            if reply.hold is not None:
                reply.hold.wait(60)
            return reply
        finally:
            with self._changed:
                self._open[received.path] -= 1


def _welcome(_: Received) -> Reply:
    return Reply()


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    """Serve on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = receiver.take(Received(self.path, headers, body, time.monotonic()))
            try:
                self.send_response(reply.status)
                for name, value in (reply.headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                return  # the sender has given up

        def do_GET(self) -> None:
            receiver.take(Received(f"GET {self.path}", {}, b"", time.monotonic()))
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
