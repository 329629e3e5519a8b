"""Large uploads through the HTTP door: little memory, and no byte lost with the gateway."""

import hashlib
import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.security.doors import Doors

MIB = 1024 * 1024
MOST_MEMORY_BYTES = 150 * MIB
_FILLING = hashlib.shake_256(b"filling").digest(MIB - 8)


def block(number: int) -> bytes:
    """A mebibyte that is like no other."""
    return number.to_bytes(8, "big") + _FILLING


def content(offset: int, size_bytes: int) -> Iterator[bytes]:
    """The content from an offset on."""
    first, skipped = divmod(offset, MIB)
    for number in range(first, size_bytes // MIB):
        yield block(number)[skipped:]
        skipped = 0


def digest_of(size_bytes: int) -> str:
    digest = hashlib.sha256()
    for piece in content(0, size_bytes):
        digest.update(piece)
    return digest.hexdigest()


@pytest.mark.parametrize(
    "size_bytes",
    [
        pytest.param(64 * MIB, id="64 MiB"),
        pytest.param(2048 * MIB, id="2 GiB", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def test_upload_goes_on_where_it_was_when_the_gateway_is_killed_half_way(
    doors: Doors, size_bytes: int
) -> None:
    sha256 = digest_of(size_bytes)
    described: dict[str, str | int] = {"sha256": sha256, "size_bytes": size_bytes}
    path = f"/v1/artifacts/{uuid.uuid4()}"

    def until_killed() -> Iterator[bytes]:
        for number, piece in enumerate(content(0, size_bytes)):
            if number == size_bytes // MIB // 2:
                doors.gateway.popen.kill()
                doors.gateway.popen.wait()
            yield piece

    with (
        doors.gateway.watching_memory() as first,
        doors.http() as http,
        pytest.raises(httpx.TransportError),
    ):
        http.put(path, params=described, content=until_killed())
    doors.restart_gateway()
    with (
        doors.http() as http,
        doors.gateway.watching_memory() as second,
        doors.service.watching_memory() as service,
    ):
        standing = http.get(path).json()
        offset = standing["received_bytes"]
        assert standing["state"] == "uploading"
        assert 0 < offset <= size_bytes // 2
        wrong = http.put(path, params=described | {"offset": offset + 1}, content=b"x")
        assert wrong.status_code == 409
        assert wrong.json()["metadata"]["received_bytes"] == str(offset)
        ended = http.put(
            path, params=described | {"offset": offset}, content=content(offset, size_bytes)
        )
        assert ended.status_code == 200, ended.text
        assert (ended.json()["sha256"], ended.json()["size_bytes"]) == (sha256, size_bytes)
        got = hashlib.sha256()
        with http.stream("GET", f"{path}/content") as response:
            for piece in response.iter_raw():
                got.update(piece)
    assert got.hexdigest() == sha256
    for peak in (first, second, service):
        assert peak[0] < MOST_MEMORY_BYTES
