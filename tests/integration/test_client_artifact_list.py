"""Uploads listed through both clients, by pages and by name."""

import asyncio
from collections.abc import Iterator

import pytest

from babelmill.client import AsyncClient, Client
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import TOKEN


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


def test_uploads_are_listed_when_asked_by_name(peer: Peer) -> None:
    async def listed_again() -> list[str]:
        async with AsyncClient(peer.address, TOKEN) as client:
            page = await client.list_artifacts("a.txt", page_size=2)
            return [each.artifact_id for each in page.artifacts]

    with Client(peer.address, TOKEN) as client:
        made = [client.upload(b"x", name).artifact_id for name in ("a.txt", "b.txt")]
        assert {each.artifact_id for each in client.list_artifacts().artifacts} == set(made)
        found = [each.artifact_id for each in client.list_artifacts("a.txt").artifacts]
        assert found == made[:1] == asyncio.run(listed_again())
        assert client.list_artifacts(page_token="first").next_page_token == "next"
