"""Uploads over real HTTP: streams, forms, breaks, resumption, caps."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator

import grpc
import httpx
import pytest

from babelmill.jobs.v1 import artifact_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from tests.integration.gateway_edge import DEADLINE_SECONDS, Edge, running_edge, until
from tests.integration.gateway_peer import TOKEN, Peer, running_peer

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


async def test_raw_body_is_stored_when_uploaded(http: httpx.AsyncClient, peer: Peer) -> None:
    response = await http.post(
        "/v1/artifacts?filename=clip.mp4", content=CONTENT, headers={"Content-Type": "video/mp4"}
    )
    assert response.status_code == 201, response.text
    artifact = response.json()
    assert artifact["state"] == "ready"
    assert artifact["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert artifact["size_bytes"] == len(CONTENT)
    assert response.headers["location"] == f"/v1/artifacts/{artifact['artifact_id']}"
    assert response.headers["upload-offset"] == str(len(CONTENT))
    header = peer.uploads[0].header
    assert (header.filename, header.media_type) == ("clip.mp4", "video/mp4")
    assert not header.HasField("digest")
    assert peer.contents[artifact["artifact_id"]] == CONTENT
    assert peer.uploads[0].largest_chunk_bytes <= 1024 * 1024


async def test_form_is_stored_when_uploaded(http: httpx.AsyncClient, peer: Peer) -> None:
    response = await http.post(
        "/v1/artifacts",
        data={
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "size_bytes": str(len(CONTENT)),
            "artifact_id": str(uuid.uuid4()),
        },
        files={"file": ("Ça va.srt", CONTENT, "application/x-subrip")},
    )
    assert response.status_code == 201, response.text
    header = peer.uploads[0].header
    assert header.filename == "Ça va.srt"
    assert header.media_type == "application/x-subrip"
    assert header.digest.size_bytes == len(CONTENT)
    assert peer.contents[header.artifact_id] == CONTENT


async def test_digest_is_complete_when_length_is_the_bodys(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    await http.post(f"/v1/artifacts?sha256={sha256}", content=CONTENT)
    assert peer.uploads[0].header.digest.size_bytes == len(CONTENT)
    assert peer.uploads[0].header.media_type == "application/octet-stream"


async def test_digest_is_refused_when_no_size_is_known(http: httpx.AsyncClient, peer: Peer) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield CONTENT

    response = await http.post("/v1/artifacts?sha256=" + "0" * 64, content=pieces())
    assert response.status_code == 400
    assert response.json()["violations"][0]["field"] == "size_bytes"
    assert peer.uploads == []


async def test_upload_is_broken_off_when_client_breaks(edge: Edge, peer: Peer) -> None:
    """Without a digest a well-ended stream is a complete upload: a break must not look so."""
    artifact_id = uuid.uuid4()
    host, port = edge.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /v1/artifacts?artifact_id={artifact_id} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
        + CONTENT[: len(CONTENT) // 2]
    )
    await writer.drain()
    await until(lambda: bool(peer.uploads) and peer.uploads[0].size_bytes > 0)
    writer.close()
    await writer.wait_closed()
    await until(lambda: peer.uploads[0].ended != "")
    assert peer.uploads[0].ended == "cancelled"


async def test_upload_goes_on_when_resumed_at_its_offset(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    artifact_id = str(uuid.uuid4())
    peer.artifacts[artifact_id] = artifact_pb2.Artifact(
        artifact_id=artifact_id,
        state=artifact_pb2.ARTIFACT_STATE_UPLOADING,
        received_bytes=1000,
    )
    described = await http.head(f"/v1/artifacts/{artifact_id}")
    assert described.headers["upload-offset"] == "1000"
    assert (await http.get(f"/v1/artifacts/{artifact_id}")).json()["received_bytes"] == 1000
    response = await http.put(
        f"/v1/artifacts/{artifact_id}?offset=1000",
        content=CONTENT[1000:],
        headers={"Content-Type": "application/octet-stream"},
    )
    assert response.status_code == 200, response.text
    header = peer.uploads[0].header
    assert (header.artifact_id, header.offset, header.media_type) == (artifact_id, 1000, "")
    assert header.filename == "artifact"
    assert peer.contents[artifact_id] == CONTENT[1000:]


async def test_offset_is_told_when_it_was_wrong(http: httpx.AsyncClient, peer: Peer) -> None:
    peer.refusals["UploadArtifact"] = ErrorDetails(
        grpc.StatusCode.FAILED_PRECONDITION,
        "Go on at 7.",
        "OFFSET_MISMATCH",
        metadata={"received_bytes": "7"},
    )
    response = await http.put(f"/v1/artifacts/{uuid.uuid4()}?offset=9", content=CONTENT)
    assert response.status_code == 409
    assert response.json()["metadata"] == {"received_bytes": "7"}


async def test_answer_comes_at_once_when_upload_is_refused_before_its_end(
    edge: Edge, peer: Peer
) -> None:
    """The client here never ends its body: only an early answer can end the request."""
    host, port = edge.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/artifacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer
    assert b"UNAUTHENTICATED" in answer


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2])
async def test_reason_is_kept_when_large_upload_is_refused_in_its_middle(
    http: httpx.AsyncClient, peer: Peer, seconds: float
) -> None:
    """Writes that fail with the call must not hide why the call failed."""
    peer.early_end_seconds = seconds
    peer.refusals["UploadArtifact"] = ErrorDetails(
        grpc.StatusCode.FAILED_PRECONDITION, "Go on at 7.", "OFFSET_MISMATCH"
    )
    for _ in range(5):
        response = await http.put(f"/v1/artifacts/{uuid.uuid4()}?offset=9", content=CONTENT * 16)
        assert response.json()["reason"] == "OFFSET_MISMATCH"


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2])
async def test_artifact_is_given_when_large_upload_was_there_already(
    http: httpx.AsyncClient, peer: Peer, seconds: float
) -> None:
    artifact = peer.add_artifact(CONTENT * 16)
    peer.early_end_seconds = seconds
    for _ in range(5):
        response = await http.put(f"/v1/artifacts/{artifact.artifact_id}", content=CONTENT * 16)
        assert response.status_code == 200, response.text
        assert response.json()["sha256"] == artifact.digest.sha256


async def test_field_is_named_as_here_when_job_service_refuses_it(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    peer.refusals["UploadArtifact"] = ErrorDetails(
        grpc.StatusCode.INVALID_ARGUMENT,
        "wrong",
        "INVALID_REQUEST",
        violations=(
            FieldViolation("header.filename", "is a path", "UNSAFE_FILENAME"),
            FieldViolation("header.digest.sha256", "is no digest"),
        ),
    )
    response = await http.post("/v1/artifacts?filename=../x", content=CONTENT)
    assert response.status_code == 400
    assert [each["field"] for each in response.json()["violations"]] == ["filename", "sha256"]


@pytest.mark.matrix(28)
@pytest.mark.parametrize("chunked", [False, True])
async def test_upload_is_refused_when_too_large(peer: Peer, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(CONTENT), 65536):
            yield CONTENT[start : start + 65536]

    async with running_edge(peer.address, max_upload_bytes=500_000) as edge, edge.client() as http:
        response = await http.post("/v1/artifacts", content=pieces() if chunked else CONTENT)
    assert response.status_code == 413
    assert response.json()["reason"] == "TOO_LARGE"
    assert all(upload.ended != "finished" for upload in peer.uploads)


@pytest.mark.matrix(29)
async def test_upload_is_refused_when_it_stalls(peer: Peer) -> None:
    async with running_edge(peer.address, gateway_upload_idle_seconds=0.3) as edge:
        host, port = edge.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /v1/artifacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 100\r\n\r\nabc".encode()
        )
        async with asyncio.timeout(DEADLINE_SECONDS):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"BODY_TOO_SLOW" in answer
    await until(lambda: not peer.uploads or peer.uploads[0].ended == "cancelled")


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncontent\r\n'
END = b"--b--\r\n"


@pytest.mark.matrix(31)
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", FILE + END),
        ("multipart/form-data; boundary=" + "b" * 71, FILE + END),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"no form at all"),
        ("multipart/form-data; boundary=b", FILE),
        ("multipart/form-data; boundary=b", FILE + FILE + END),
        ("multipart/form-data; boundary=b", FILE.replace(b'"file"', b'"data"') + END),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' + FILE + END,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="size_bytes"\r\n\r\nmany\r\n'
            + FILE
            + END,
        ),
        (
            "multipart/form-data; boundary=b",
            FILE.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 10_000 + b"\r\n\r\n", 1) + END,
        ),
        ("multipart/form-data; boundary=b", FILE.replace(b'"a"', b'"\xff"') + END),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="filename"\r\n\r\n1\r\n' * 10_000
            + FILE
            + END,
        ),
    ],
)
async def test_form_is_refused_when_malformed(
    http: httpx.AsyncClient, peer: Peer, content_type: str, body: bytes
) -> None:
    response = await http.post(
        "/v1/artifacts", content=body, headers={"Content-Type": content_type}
    )
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    await until(lambda: all(upload.ended != "" for upload in peer.uploads))
    assert all(upload.ended == "cancelled" for upload in peer.uploads)


@pytest.mark.parametrize(
    ("query", "status"),
    [("?size_bytes=-1", 400), ("?size_bytes=x", 400), ("?file_name=a", 400), ("?offset=1", 400)],
)
async def test_description_is_refused_when_wrong(
    http: httpx.AsyncClient, query: str, status: int
) -> None:
    response = await http.post(f"/v1/artifacts{query}", content=b"a")
    assert response.status_code == status
    assert response.json()["reason"] == "INVALID_REQUEST"
