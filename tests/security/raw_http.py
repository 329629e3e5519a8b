"""HTTP as the test wants it: bytes on a plain socket, and what every answer must look like."""

import socket
import time
from typing import Any

import httpx

from tests.security.doors import Doors


def text_job(**changes: object) -> dict[str, Any]:
    spec = {"text": "Hello.", "source_language": "en", "target_languages": ["pt"]}
    return {"spec": {"translate_text": spec}, **changes}


def problem(response: httpx.Response, status: int, reason: str = "") -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert not reason or body["reason"] == reason
    return body


def talk(doors: Doors, *pieces: bytes, wait_seconds: float = 0.0) -> bytes:
    """Send bytes as they are, one piece after the other, and return what comes back."""
    with socket.create_connection(doors.http_address, timeout=15) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                break
            time.sleep(wait_seconds)
        received = bytearray()
        # A connection that is kept open says nothing more.
        connection.settimeout(1.0)
        try:
            while data := connection.recv(65_536):
                received += data
        except (ConnectionResetError, TimeoutError):
            pass
    return bytes(received)


def head(doors: Doors, line: str, *headers: str) -> bytes:
    lines = [line, "Host: localhost", f"Authorization: Bearer {doors.token}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
