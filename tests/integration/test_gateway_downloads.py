"""Downloads over real HTTP: ranges, conditions, breaks, and safe headers."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from babelmill.jobs.v1 import artifact_pb2
from tests.integration.gateway_edge import Edge, running_edge
from tests.integration.gateway_peer import Peer, running_peer

CONTENT = bytes(range(256)) * 4096  # 1 MiB, no two blocks of a message alike by position


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        yield running


@pytest.fixture
async def edge(peer: Peer) -> AsyncIterator[Edge]:
    async with running_edge(peer.address) as running:
        yield running


@pytest.fixture
async def http(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    async with edge.client() as client:
        yield client


async def test_content_is_whole_when_downloaded(http: httpx.AsyncClient, peer: Peer) -> None:
    artifact = peer.add_artifact(CONTENT)
    response = await http.get(f"/v1/artifacts/{artifact.artifact_id}/content")
    assert response.status_code == 200
    assert response.content == CONTENT
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert response.headers["content-disposition"] == 'attachment; filename="clip.mp4"'
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["content-length"] == str(len(CONTENT))


async def test_content_is_empty_when_artifact_is(http: httpx.AsyncClient, peer: Peer) -> None:
    artifact = peer.add_artifact(b"")
    path = f"/v1/artifacts/{artifact.artifact_id}/content"
    assert (await http.get(path)).content == b""
    assert (await http.get(path, headers={"Range": "bytes=0-"})).status_code == 416


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=1000-200000", 1000, 200_000),
        ("bytes=1048000-", 1_048_000, len(CONTENT) - 1),
        ("bytes=-10", len(CONTENT) - 10, len(CONTENT) - 1),
        ("bytes=5-99999999999", 5, len(CONTENT) - 1),
    ],
)
async def test_part_is_given_when_range_is_asked(
    http: httpx.AsyncClient, peer: Peer, header: str, first: int, last: int
) -> None:
    artifact = peer.add_artifact(CONTENT)
    response = await http.get(
        f"/v1/artifacts/{artifact.artifact_id}/content", headers={"Range": header}
    )
    assert response.status_code == 206
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert response.content == CONTENT[first : last + 1]


@pytest.mark.matrix(32)
@pytest.mark.parametrize(
    "header",
    [
        "bytes=2000000-",
        "bytes=5-2",
        "bytes=-0",
        "bytes=-",
        "bytes=a-b",
        "items=0-1",
        "bytes=0-1,5-6",
        "bytes=" + ",".join("0-1" for _ in range(50)),
        "bytes=99999999999999999999-",
    ],
)
async def test_range_is_refused_when_it_cannot_be_served(
    http: httpx.AsyncClient, peer: Peer, header: str
) -> None:
    artifact = peer.add_artifact(CONTENT)
    response = await http.get(
        f"/v1/artifacts/{artifact.artifact_id}/content", headers={"Range": header}
    )
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert response.json()["reason"] == "RANGE_NOT_SATISFIABLE"


@pytest.mark.matrix(32)
async def test_range_header_is_refused_when_it_is_endless(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    artifact = peer.add_artifact(CONTENT)
    header = "bytes=" + ",".join("0-1" for _ in range(1000))
    response = await http.get(
        f"/v1/artifacts/{artifact.artifact_id}/content", headers={"Range": header}
    )
    assert response.status_code == 416


async def test_conditions_are_kept_when_content_is_known(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    artifact = peer.add_artifact(CONTENT)
    path = f"/v1/artifacts/{artifact.artifact_id}/content"
    etag = f'"{artifact.digest.sha256}"'
    assert (await http.get(path, headers={"If-None-Match": etag})).status_code == 304
    same = await http.get(path, headers={"Range": "bytes=0-1", "If-Range": etag})
    other = await http.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    head = await http.head(path, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.headers["content-length"]) == (206, "2")
    assert head.content == b""


async def test_download_goes_on_when_job_service_breaks_off(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    artifact = peer.add_artifact(CONTENT)
    peer.break_download_after = 300_000
    response = await http.get(f"/v1/artifacts/{artifact.artifact_id}/content")
    assert response.content == CONTENT
    opened = [request.offset for name, request in peer.requests if name == "DownloadArtifact"]
    assert len(opened) == 2
    assert 0 < opened[1] < len(CONTENT)


async def test_download_never_looks_whole_when_bytes_are_damaged(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    artifact = peer.add_artifact(CONTENT)
    peer.contents[artifact.artifact_id] = CONTENT[:-1] + b"!"
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(f"/v1/artifacts/{artifact.artifact_id}/content")


async def test_content_is_refused_when_upload_has_not_finished(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    artifact = peer.add_artifact(b"", state=artifact_pb2.ARTIFACT_STATE_UPLOADING)
    response = await http.get(f"/v1/artifacts/{artifact.artifact_id}/content")
    assert response.status_code == 409
    assert response.json()["reason"] == "ARTIFACT_NOT_READY"


@pytest.mark.matrix(30, 33, 38)
@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ('../../etc/"passwd', "text/html"),
        ("a\r\nSet-Cookie: x=1", "text/html\r\nX: y"),
        ("影.mp4", "video/mp4; codecs=avc1"),
        ("\x00", "nonsense"),
        ("x" * 4096, "x" * 4096 + "/y"),
    ],
)
async def test_headers_are_safe_when_names_are_hostile(
    http: httpx.AsyncClient, peer: Peer, filename: str, media_type: str
) -> None:
    artifact = peer.add_artifact(b"<script>", filename=filename, media_type=media_type)
    response = await http.get(f"/v1/artifacts/{artifact.artifact_id}/content")
    assert response.status_code == 200
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert "set-cookie" not in response.headers
    assert "x" not in response.headers
    assert "/" not in disposition.replace("%2F", "").split("filename*")[0]
    assert len(disposition) < 3000
