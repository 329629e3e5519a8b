"""Hostile addresses and files through a real stack: a typed error each, and nothing reached."""

import gzip
import io
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from babelmill.client import Client
from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import job_pb2
from tests.acceptance.conftest import Stack
from tests.acceptance.test_cli import babelmill

JOB_SECONDS = 90.0


class _Trap(BaseHTTPRequestHandler):
    """Leads to where it must not, or gives too much."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Traps)
        server.asked.append(self.path)
        with suppress(BrokenPipeError, ConnectionResetError):
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            if self.path == "/bomb":
                self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(gzip.compress(bytes(200 * 1024 * 1024)))
                return
            self.end_headers()
            while self.path == "/endless":
                self.wfile.write(b"<p>more</p>" * 10_000)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


class Traps(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Trap)
        self.asked: list[str] = []

    def url(self, path: str, host: str = "localhost") -> str:
        return f"http://{host}:{self.server_address[1]}/{path}"

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


@pytest.fixture(scope="module")
def traps() -> Iterator[Traps]:
    server = Traps()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _ended(client: Client, job: job_pb2.Job) -> job_pb2.Job:
    return client.wait(job.job_id, JOB_SECONDS)


@pytest.mark.matrix(40, 45)
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://example.com/", "http://me:secret@example.com/", "mill"]
)
def test_job_is_refused_at_once_when_the_address_is_not_of_the_web(
    url: str, client: Client
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        client.translate_url(url, "en", "pt")
    assert "secret" not in str(refused.value)


@pytest.mark.matrix(41)
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"]
)
def test_nothing_is_asked_when_the_address_is_private(
    host: str, client: Client, traps: Traps
) -> None:
    asked = len(traps.asked)
    try:
        job = client.translate_url(traps.url("page", host), "en", "pt")
    except InvalidArgument:
        return
    ended = _ended(client, job)
    assert ended.state == job_pb2.JOB_STATE_FAILED
    assert ended.error.reason == "URL_REFUSED"
    assert len(traps.asked) == asked


@pytest.mark.matrix(42, 44)
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("to/http://169.254.169.254/latest/meta-data/", "URL_REFUSED"),
        ("to/http://127.0.0.1:6379/", "URL_REFUSED"),
        ("to/file:///etc/passwd", "URL_REFUSED"),
        ("bomb", "URL_TOO_LARGE"),
        ("endless", "URL_TOO_LARGE"),
    ],
)
def test_job_fails_for_its_reason_when_the_server_is_hostile(
    path: str, reason: str, client: Client, traps: Traps
) -> None:
    ended = _ended(client, client.translate_url(traps.url(path), "en", "pt"))
    assert ended.state == job_pb2.JOB_STATE_FAILED
    assert ended.error.reason == reason
    assert [target.error.reason for target in ended.targets] == [reason]


def _zip_bomb() -> bytes:
    """Return a Word document of a few kilobytes that unpacks to two gigabytes."""
    piece = bytes(1024 * 1024)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    checksum = 0
    packed = io.BytesIO()
    for _ in range(256):
        packed.write(packer.compress(piece))
        checksum = zlib.crc32(piece, checksum)
    packed.write(packer.flush())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
    name, body = b"word/document.xml", packed.getvalue()
    sizes = struct.pack("<III", checksum, len(body), 256 * len(piece))
    local = struct.pack("<IHHHHH", 0x04034B50, 20, 0, 8, 0, 0) + sizes
    entry = local + struct.pack("<HH", len(name), 0) + name + body
    data = archive.getvalue()
    end = data.rindex(b"PK\x05\x06")
    directory = struct.unpack_from("<I", data, end + 16)[0]
    central = (
        data[directory:end]
        + struct.pack("<IHHHHHH", 0x02014B50, 20, 20, 0, 8, 0, 0)
        + sizes
        + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, directory)
        + name
    )
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 2, 2, len(central), directory + len(entry), 0)
    return data[:directory] + entry + central + tail


_ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "mill"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en">'
    '<file id="f"><unit id="u"><segment><source>&b;</source></segment></unit></file></xliff>'
)


@pytest.mark.matrix(33, 34, 35, 36, 37)
@pytest.mark.parametrize(
    ("name", "data", "reasons"),
    [
        ("bomb.docx", _zip_bomb(), {"DOCUMENT_TOO_LARGE", "DOCUMENT_REFUSED"}),
        ("entities.xlf", _ENTITIES.encode(), {"DOCUMENT_REFUSED", "DOCUMENT_DAMAGED"}),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<", {"DOCUMENT_DAMAGED"}),
        ("lie.docx", b"MZ\x90\x00 this is a program", {"DOCUMENT_DAMAGED"}),
    ],
)
def test_job_fails_for_its_reason_when_the_file_is_hostile(
    name: str, data: bytes, reasons: set[str], client: Client
) -> None:
    ended = _ended(client, client.translate_document(data, "en", "pt", filename=name))
    assert ended.state == job_pb2.JOB_STATE_FAILED
    assert ended.error.reason in reasons


def test_files_are_written_when_the_command_translates_a_document(
    stack: Stack, tmp_path: Path
) -> None:
    source = tmp_path / "guide.md"
    source.write_text("# The mill\n\nThe old mill **never** stops.\n\n    make install\n")
    done = babelmill(
        stack, "translate", source, "--to", "pt,es", "--bilingual", "-o", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"guide.pt.md", "guide.es.md", "guide.pt.bilingual.html"} <= names
    translated = (tmp_path / "out" / "guide.pt.md").read_text()
    assert "moinho" in translated
    assert "    make install" in translated
