"""A web server for tests, scripted by path, and settings to fetch from it."""

import gzip
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from typing_extensions import override

from translation_worker.sources.source_settings import SourceSettings

PAGE = "<p>Good morning. \N{SNOWMAN}</p>".encode()


class _Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Web)
        server.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        name, _, rest = self.path.lstrip("/").partition("/")
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"_{name.partition('.')[0]}")(rest)
        self.close_connection = True

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _page(self, _rest: str) -> None:
        self._answer(200, PAGE, Content_Type="text/html; charset=UTF-8")

    def _latin(self, _rest: str) -> None:
        self._answer(200, "coração".encode("latin-1"), Content_Type="text/plain; charset=latin-1")

    def _to(self, rest: str) -> None:
        self._answer(302, b"", Location=rest)

    def _again(self, rest: str) -> None:
        count = int(rest)
        self._answer(307, b"", Location=f"/again/{count - 1}" if count > 1 else "/page.html")

    def _status(self, rest: str) -> None:
        self._answer(int(rest), b"no", Retry_After="7" if rest == "503" else "")

    def _gzip(self, _rest: str) -> None:
        packed = gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:])
        self._answer(200, packed, Content_Encoding="gzip", Content_Type="text/html")

    def _bomb(self, _rest: str) -> None:
        packed = gzip.compress(bytes(64 * 1024 * 1024))
        self._answer(200, packed, Content_Encoding="gzip", Content_Type="text/html")

    def _garbled(self, _rest: str) -> None:
        self._answer(200, b"not packed at all", Content_Encoding="gzip")

    def _cut(self, _rest: str) -> None:
        self._answer(200, PAGE, Content_Length=str(len(PAGE) + 1))

    def _packed_cut(self, _rest: str) -> None:
        self._answer(200, gzip.compress(PAGE)[:-9], Content_Encoding="gzip")

    def _brotli(self, _rest: str) -> None:
        self._answer(200, b"?", Content_Encoding="br")

    def _announced(self, _rest: str) -> None:
        self._answer(200, b"", Content_Length=str(1 << 40))

    def _picture(self, _rest: str) -> None:
        self._answer(200, b"x", Content_Type="image/png")

    def _endless(self, _rest: str) -> None:
        self._answer(200, b"", Content_Length="", Content_Type="text/plain")
        while not self._stopped():
            self.wfile.write(bytes(64 * 1024))

    def _dripping(self, _rest: str) -> None:
        self._answer(200, b"", Content_Length="", Content_Type="text/plain")
        while not self._stopped(0.02):
            self.wfile.write(b".")

    def _headers(self, _rest: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not self._stopped(0.02):
            self.wfile.write(b".")

    def _silent(self, _rest: str) -> None:
        while not self._stopped(0.02):
            pass

    def _garbage(self, _rest: str) -> None:
        self.wfile.write(b"\x00\x01 this is no HTTP\r\n\r\n")

    def _stopped(self, wait_seconds: float = 0.0) -> bool:
        assert isinstance(self.server, Web)
        return self.server.stopped.wait(wait_seconds)


class Web(ThreadingHTTPServer):
    """The server, what it was asked for, and the names that TLS clients called it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.names: list[str] = []
        self.stopped = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/{path}"

    def speak_tls(self, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def running_web(certificate: Path | None = None) -> Iterator[Web]:
    web = Web()
    if certificate is not None:
        web.speak_tls(certificate)
    thread = threading.Thread(target=web.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield web
    finally:
        web.stopped.set()
        web.shutdown()
        thread.join()
        web.server_close()


def source_settings(tmp_path: Path, **values: object) -> SourceSettings:
    return SourceSettings.model_validate(
        {
            "worker_token": "token",
            "redis_url": "redis://nowhere",
            "artifacts": str(tmp_path),
            "fetch_timeout_seconds": 5,
            "fetch_max_bytes": 1024 * 1024,
            **values,
        }
    )
