"""Bodies, forms, names and ranges at the HTTP door that no client library of ours would send."""

import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.security.doors import Doors
from tests.security.raw_http import head, problem, talk

MIB = 1024 * 1024
ENVIRONMENT = {
    "BABELMILL_GATEWAY_BODY_SECONDS": "0.5",
    "BABELMILL_GATEWAY_HEAD_SECONDS": "0.5",
    "BABELMILL_GATEWAY_UPLOAD_IDLE_SECONDS": "0.5",
    "BABELMILL_MAX_UPLOAD_BYTES": str(4 * MIB),
}


@pytest.mark.matrix(28)
def test_upload_is_refused_when_it_is_larger_than_allowed(doors: Doors, http: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(6):
            yield b"x" * MIB

    for content in (b"x" * (5 * MIB), pieces()):
        problem(http.post("/v1/artifacts", content=content), 413, "TOO_LARGE")
    lie = head(doors, "POST /v1/artifacts HTTP/1.1", "Content-Length: 99999999999999999999999999")
    assert b" 413 " in talk(doors, lie) or b" 400 " in talk(doors, lie)
    both = head(
        doors,
        "POST /v1/jobs HTTP/1.1",
        "Content-Type: application/json",
        "Content-Length: 4",
        "Transfer-Encoding: chunked",
    )
    # RFC 9112, 6.1: whoever sends both may be smuggling a second request.
    answer = talk(doors, both + b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b" 400 " in answer


@pytest.mark.matrix(29)
def test_request_is_ended_when_it_drips_in(doors: Doors) -> None:
    started = time.monotonic()
    json_head = head(
        doors, "POST /v1/jobs HTTP/1.1", "Content-Type: application/json", "Content-Length: 500"
    )
    drips = [b" "] * 5
    slow_body = talk(doors, json_head, *drips, wait_seconds=0.25)
    assert b" 408 " in slow_body
    assert b"BODY_TOO_SLOW" in slow_body
    upload_head = head(doors, "POST /v1/artifacts HTTP/1.1", "Content-Length: 500")
    assert b" 408 " in talk(doors, upload_head, b"a")
    slow_head = talk(doors, b"GET /healthz HTTP/1.1\r\n", *[b"X: y\r\n"] * 5, wait_seconds=0.25)
    assert b" 200 " not in slow_head
    assert time.monotonic() - started < 25


@pytest.mark.matrix(29, 12)
def test_others_are_served_and_the_silent_are_closed_when_they_send_no_head(
    doors: Doors, http: httpx.Client
) -> None:
    silent = [socket.create_connection(doors.http_address, timeout=10) for _ in range(300)]
    try:
        assert http.get("/healthz").status_code == 200
        for connection in silent:
            assert connection.recv(100) == b""
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.matrix(30)
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\windows\\system.ini",
        "a\x00.txt",
        "x" * 5000,
        "..",
        "a\r\nSet-Cookie: b=c",
        "\u202egnp.exe",
        '"; rm -rf /; "',
        "$(id).txt",
    ],
)
def test_filename_is_a_label_or_refused_when_it_is_hostile(
    doors: Doors, http: httpx.Client, name: str
) -> None:
    before = {path.relative_to(doors.artifacts) for path in doors.artifacts.rglob("*")}
    raw = http.post("/v1/artifacts", params={"filename": name}, content=b"x")
    form = http.post("/v1/artifacts", files={"file": (name, b"x", "text/plain")})
    for response in (raw, form):
        if response.status_code != 201:
            problem(response, 400)
            continue
        served = http.get(response.json()["content_url"])
        assert served.content == b"x"
        disposition = served.headers["content-disposition"]
        assert disposition.startswith("attachment")
        assert "/" not in disposition
        assert "\\" not in disposition
        assert "set-cookie" not in served.headers
    after = {path.relative_to(doors.artifacts) for path in doors.artifacts.rglob("*")}
    assert not any(part in str(path) for path in after - before for part in ("passwd", "id", "rm"))


@pytest.mark.matrix(31)
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 500, b"--b\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="filename"\r\n\r\nx\r\n' * 10_000,
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nX: " + b"y" * MIB + b"\r\n\r\nx\r\n--b--\r\n",
        ),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"A: b\r\n" * 5000 + b"\r\nx\r\n--b--"),
        ("multipart/form-data; boundary=b", b"\r\n" * 500_000),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="filename"\r\n\r\n' + b"x" * MIB,
        ),
    ],
)
def test_form_is_refused_at_once_when_it_is_hostile(
    http: httpx.Client, content_type: str, body: bytes
) -> None:
    started = time.monotonic()
    response = http.post("/v1/artifacts", content=body, headers={"Content-Type": content_type})
    problem(response, 400, "MALFORMED_MULTIPART")
    assert time.monotonic() - started < 5


@pytest.mark.matrix(32)
def test_ranges_are_refused_at_once_when_they_are_many(http: httpx.Client) -> None:
    url = http.post("/v1/artifacts", content=b"x" * 1000).json()["content_url"]
    started = time.monotonic()
    for ranges in (
        "bytes=" + ",".join(f"{n}-{n}" for n in range(1000)),
        "bytes=0-" + "9" * 5000,
        "bytes=" + "-" * 8000,
        "bytes=0-0," * 900,
        "bytes=-0",
        "bytes=1000-",
        "items=0-1",
    ):
        problem(http.get(url, headers={"Range": ranges}), 416, "RANGE_NOT_SATISFIABLE")
    assert time.monotonic() - started < 5


@pytest.mark.matrix(33, 38, 61)
@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/html", b"<script>alert(1)</script>"),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("application/pdf", b"%PDF-1.7 GIF89a <script>alert(1)</script>"),
        ("text/html\r\nX-Evil: 1", b"GIF89a"),
        ("*/*", b"PK\x03\x04<html>"),
    ],
)
def test_content_cannot_run_when_a_browser_opens_it(
    http: httpx.Client, media_type: str, content: bytes
) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="media_type"\r\n\r\n'
        + media_type.encode()
        + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.html"\r\n\r\n'
        + content
        + b"\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = http.post("/v1/artifacts", content=form, headers=headers)
    if response.status_code != 201:
        problem(response, 400)
        return
    served = http.get(response.json()["content_url"])
    assert served.content == content
    assert served.headers["content-disposition"].startswith("attachment")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert "x-evil" not in served.headers
