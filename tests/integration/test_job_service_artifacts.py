"""Uploads and downloads over the wire: resumable, checked, and bounded."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import uuid4

import grpc
import grpc.aio
import pytest

from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from tests.integration.job_service_house import House, open_house, refusal, transcode_request

CHUNK = 256 * 1024
DATA = random.Random(1).randbytes(3 * 1024 * 1024 + 17)


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(
        database_url, redis_url, artifacts_directory, max_upload_bytes=4 * 1024 * 1024
    ) as opened:
        yield opened


def digest(data: bytes) -> artifact_pb2.Digest:
    return artifact_pb2.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def header(**fields: object) -> artifact_service_pb2.UploadArtifactRequest:
    return artifact_service_pb2.UploadArtifactRequest(
        header=artifact_service_pb2.UploadHeader(**{"filename": "a.bin", **fields})  # type: ignore[arg-type]  # by name
    )


def chunks(
    data: bytes, offset: int = 0, size: int = CHUNK
) -> list[artifact_service_pb2.UploadArtifactRequest]:
    return [
        artifact_service_pb2.UploadArtifactRequest(
            chunk=artifact_service_pb2.Chunk(offset=start, data=data[start : start + size])
        )
        for start in range(offset, len(data), size)
    ]


async def upload(
    house: House, requests: Sequence[artifact_service_pb2.UploadArtifactRequest]
) -> artifact_pb2.Artifact:
    call = house.artifacts.UploadArtifact(iter(requests), metadata=house.client)
    return (await call).artifact


async def get(house: House, artifact_id: str) -> artifact_pb2.Artifact:
    request = artifact_service_pb2.GetArtifactRequest(artifact_id=artifact_id)
    return (await house.artifacts.GetArtifact(request, metadata=house.client)).artifact


async def download(house: House, artifact_id: str, offset: int = 0) -> bytes:
    request = artifact_service_pb2.DownloadArtifactRequest(artifact_id=artifact_id, offset=offset)
    call = house.artifacts.DownloadArtifact(request, metadata=house.client)
    received = b""
    async for message in call:
        if message.HasField("artifact"):
            assert not received
            continue
        assert message.chunk.offset == offset + len(received)
        assert len(message.chunk.data) <= 1024 * 1024
        received += message.chunk.data
    return received


async def test_bytes_come_back_when_uploaded(house: House) -> None:
    made = await upload(house, [header(media_type="video/mp4"), *chunks(DATA)])
    assert made.state == artifact_pb2.ARTIFACT_STATE_READY
    assert made.digest == digest(DATA)
    assert (made.filename, made.media_type) == ("a.bin", "video/mp4")
    assert await get(house, made.artifact_id) == made
    assert await download(house, made.artifact_id) == DATA
    assert await download(house, made.artifact_id, 1_000_001) == DATA[1_000_001:]
    assert await download(house, made.artifact_id, len(DATA)) == b""
    job = await house.jobs.CreateJob(transcode_request(made.artifact_id), metadata=house.client)
    assert job.created


async def test_nothing_is_sent_again_when_the_artifact_is_ready(house: House) -> None:
    artifact_id = str(uuid4())
    opening = header(artifact_id=artifact_id, digest=digest(DATA))
    first = await upload(house, [opening, *chunks(DATA)])
    assert await upload(house, [opening]) == first
    other = header(artifact_id=artifact_id, digest=digest(b"other"))
    details = await refusal(house.artifacts.UploadArtifact(iter([other]), metadata=house.client))
    assert details.code is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize("with_digest", [True, False])
@pytest.mark.parametrize("sent_chunks", [8, 9])
async def test_upload_is_resumed_when_it_broke_off(
    house: House, with_digest: bool, sent_chunks: int
) -> None:
    artifact_id = str(uuid4())
    fields: dict[str, object] = {"artifact_id": artifact_id}
    if with_digest:
        fields["digest"] = digest(DATA)
    call = house.artifacts.UploadArtifact(metadata=house.client)
    for message in (header(**fields), *chunks(DATA)[:sent_chunks]):
        await call.write(message)
    async with asyncio.timeout(10):
        # Nothing tells a client how much the service has stored.
        while (await get_or_none(house, artifact_id)) < 2 * 1024 * 1024:
            await asyncio.sleep(0.01)
    call.cancel()
    # However the break is noticed, the upload must not count as finished.
    for _ in range(20):
        broken = await get(house, artifact_id)
        assert broken.state == artifact_pb2.ARTIFACT_STATE_UPLOADING
        await asyncio.sleep(0.01)
    stale = header(**fields, offset=broken.received_bytes - 1)
    details = await refusal(house.artifacts.UploadArtifact(iter([stale]), metadata=house.client))
    assert (details.code, details.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "OFFSET_MISMATCH",
    )
    offset = int(details.metadata["received_bytes"])
    made = await upload(house, [header(**fields, offset=offset), *chunks(DATA, offset)])
    assert made.digest == digest(DATA)
    assert await download(house, artifact_id) == DATA


async def get_or_none(house: House, artifact_id: str) -> int:
    try:
        return (await get(house, artifact_id)).received_bytes
    except grpc.aio.AioRpcError:
        return -1


async def test_bytes_are_dropped_when_they_do_not_match_the_digest(house: House) -> None:
    artifact_id = str(uuid4())
    wrong = bytes(len(DATA))
    messages = [header(artifact_id=artifact_id, digest=digest(DATA)), *chunks(wrong)]
    details = await refusal(house.artifacts.UploadArtifact(iter(messages), metadata=house.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "DIGEST_MISMATCH" in {details.reason, *(v.reason for v in details.violations)}
    again = [header(artifact_id=artifact_id, digest=digest(DATA)), *chunks(DATA)]
    assert (await upload(house, again)).state == artifact_pb2.ARTIFACT_STATE_READY


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([], "header"),
        (chunks(b"abc"), "header"),
        ([header(), header()], "chunk"),
        ([header(), *chunks(b"abcdef", size=3)[1:]], "chunk.offset"),
        ([header(), *chunks(bytes(2 * 1024 * 1024), size=2 * 1024 * 1024)], "chunk.data"),
        ([header(filename="../../etc/passwd")], "header.filename"),
        ([header(artifact_id="x")], "header.artifact_id"),
        ([header(media_type="nonsense")], "header.media_type"),
        ([header(digest=artifact_pb2.Digest(sha256="x"))], "header.digest.sha256"),
    ],
)
async def test_upload_is_refused_when_malformed(
    house: House, messages: list[artifact_service_pb2.UploadArtifactRequest], field: str
) -> None:
    call = house.artifacts.UploadArtifact(iter(messages), metadata=house.client)
    details = await refusal(call)
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details.violations] == [field]


@pytest.mark.matrix(28)
async def test_upload_is_refused_when_it_is_too_large(house: House) -> None:
    call = house.artifacts.UploadArtifact(
        iter([header(), *chunks(bytes(5 * 1024 * 1024))]), metadata=house.client
    )
    details = await refusal(call)
    assert (details.code, details.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE")


@pytest.mark.matrix(19)
async def test_artifact_is_not_found_when_it_is_another_tenants(house: House) -> None:
    made = await upload(house, [header(), *chunks(b"ours")])
    for artifact_id in (made.artifact_id, str(uuid4())):
        get_request = artifact_service_pb2.GetArtifactRequest(artifact_id=artifact_id)
        read_request = artifact_service_pb2.DownloadArtifactRequest(artifact_id=artifact_id)
        for call in (
            house.artifacts.GetArtifact(get_request, metadata=house.other_client),
            house.artifacts.DownloadArtifact(read_request, metadata=house.other_client),
            house.jobs.CreateJob(transcode_request(artifact_id), metadata=house.other_client),
        ):
            details = await refusal(call)
            assert details.code is grpc.StatusCode.NOT_FOUND
            assert details.reason == "ARTIFACT_NOT_FOUND"


async def test_unfinished_artifact_is_refused_when_used(house: House) -> None:
    artifact_id = str(uuid4())
    unfinished = [header(artifact_id=artifact_id, digest=digest(DATA)), *chunks(DATA)[:2]]
    made = await upload(house, unfinished)
    assert made.state == artifact_pb2.ARTIFACT_STATE_UPLOADING
    request = artifact_service_pb2.DownloadArtifactRequest(artifact_id=artifact_id)
    for call in (
        house.artifacts.DownloadArtifact(request, metadata=house.client),
        house.jobs.CreateJob(transcode_request(artifact_id), metadata=house.client),
    ):
        details = await refusal(call)
        assert (details.code, details.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "ARTIFACT_NOT_READY",
        )


async def test_download_is_refused_when_it_starts_beyond_the_end(house: House) -> None:
    made = await upload(house, [header(), *chunks(b"abc")])
    for offset, code in ((4, grpc.StatusCode.OUT_OF_RANGE), (-1, grpc.StatusCode.INVALID_ARGUMENT)):
        request = artifact_service_pb2.DownloadArtifactRequest(
            artifact_id=made.artifact_id, offset=offset
        )
        call = house.artifacts.DownloadArtifact(request, metadata=house.client)
        assert (await refusal(call)).code is code


async def test_loss_is_told_when_the_stored_bytes_are_gone(
    house: House, artifacts_directory: Path
) -> None:
    made = await upload(house, [header(), *chunks(DATA)])
    remove_files(artifacts_directory)
    request = artifact_service_pb2.DownloadArtifactRequest(artifact_id=made.artifact_id)
    call = house.artifacts.DownloadArtifact(request, metadata=house.client)
    assert (await refusal(call)).code is grpc.StatusCode.DATA_LOSS


def remove_files(directory: Path) -> None:
    for path in [p for p in directory.rglob("*") if p.is_file()]:
        path.unlink()
