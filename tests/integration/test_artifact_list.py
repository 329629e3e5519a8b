"""Uploads are listed newest first, by name, page by page, and for their tenant alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from tests.integration.job_service_house import House, Metadata, open_house, refusal

Request = artifact_service_pb2.ListArtifactsRequest


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


async def upload(house: House, filename: str, data: bytes) -> artifact_pb2.Artifact:
    requests = [
        artifact_service_pb2.UploadArtifactRequest(
            header=artifact_service_pb2.UploadHeader(filename=filename)
        ),
        artifact_service_pb2.UploadArtifactRequest(
            chunk=artifact_service_pb2.Chunk(offset=0, data=data)
        ),
    ]
    call = house.artifacts.UploadArtifact(iter(requests), metadata=house.client)
    return (await call).artifact


async def listed(
    house: House, request: Request, metadata: Metadata | None = None
) -> artifact_service_pb2.ListArtifactsResponse:
    return await house.artifacts.ListArtifacts(request, metadata=metadata or house.client)


async def test_uploads_are_listed_newest_first_when_asked_by_page_and_name(house: House) -> None:
    made = [await upload(house, name, name.encode()) for name in ("a", "b", "a", "c", "a")]
    newest_first = made[::-1]

    assert list((await listed(house, Request())).artifacts) == newest_first
    assert list((await listed(house, Request(filename="a"))).artifacts) == newest_first[::2]
    assert not (await listed(house, Request(filename="A"))).artifacts

    seen: list[artifact_pb2.Artifact] = []
    request = Request(page_size=2)
    while True:
        page = await listed(house, request)
        seen += page.artifacts
        assert len(page.artifacts) <= 2
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == newest_first


async def test_uploads_of_others_are_not_listed_when_asked_by_a_stranger(house: House) -> None:
    await upload(house, "a", b"a")
    assert not (await listed(house, Request(), house.other_client)).artifacts


async def test_page_token_is_refused_when_it_continues_another_list(house: House) -> None:
    for name in ("a", "a", "b"):
        await upload(house, name, b"x")
    token = (await listed(house, Request(page_size=1, filename="a"))).next_page_token
    for wrong, metadata in (
        (Request(page_token=token, filename="b"), house.client),
        (Request(page_token=token), house.client),
        (Request(page_token=token, filename="a"), house.other_client),
        (Request(page_token="x"), house.client),
        (Request(page_size=501), house.client),
        (Request(page_size=-1), house.client),
        (Request(filename="a/b"), house.client),
    ):
        details = await refusal(house.artifacts.ListArtifacts(wrong, metadata=metadata))
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT
        assert details.violations
