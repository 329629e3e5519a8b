"""Documents and glossaries through both clients, over real gRPC."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from babelmill.client import AsyncClient, Client, translations
from babelmill.client.errors import NotFound
from babelmill.translation.v1 import translation_pb2
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import TOKEN


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


def test_document_is_uploaded_once_when_the_call_is_repeated(peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "guide.docx"
    path.write_bytes(b"PK a document")
    told: list[tuple[int, int]] = []
    with Client(peer.address, TOKEN) as client:
        first, second = (
            client.translate_document(
                path,
                "en",
                ["pt"],
                options=translations.options(tone="formal"),
                bilingual=True,
                request_id="again",
                on_bytes=lambda done, whole: told.append((done, whole)),
            )
            for _ in range(2)
        )
    assert first.job_id == second.job_id
    spec = first.spec.translate_document
    assert [stored.data for stored in peer.artifacts.values()] == [b"PK a document"]
    assert peer.artifacts[spec.artifact_id].artifact.filename == "guide.docx"
    assert spec.options.tone == translation_pb2.TONE_FORMAL
    assert spec.twins.bilingual
    assert told[-1] == (13, 13)


async def test_all_kinds_are_submitted_when_asked_through_asyncio(peer: Peer) -> None:
    async with AsyncClient(peer.address, TOKEN) as client:
        document = await client.translate_document(b"# Mill", "", "pt", filename="mill.md")
        url = await client.translate_url("https://example.com", "en", ["pt"], xliff=True)
        records = await client.translate_records([{"a": "b"}], ["a"], "en", ["pt", "es"])
        (found,) = await client.formats()
    uploaded = peer.artifacts[document.spec.translate_document.artifact_id]
    assert (uploaded.data, uploaded.artifact.filename) == (b"# Mill", "mill.md")
    assert url.spec.translate_url.twins.xliff
    assert len(records.spec.translate_records.target_languages) == 2
    assert found.name == "docx"


def test_uploaded_artifact_is_used_when_given(peer: Peer) -> None:
    artifact = peer.add_artifact(b"x", "a.md")
    with Client(peer.address, TOKEN) as client:
        job = client.translate_document(artifact, "en", "pt")
    assert job.spec.translate_document.artifact_id == artifact.artifact_id
    assert len(peer.artifacts) == 1


async def test_glossary_is_kept_found_and_deleted_when_asked(peer: Peer) -> None:
    terms = [translations.term("mill", "moinho", "pt"), translations.term("Babelmill")]
    with Client(peer.address, TOKEN) as client:
        made = client.create_glossary("Mills", "en", terms)
        assert client.get_glossary(made.glossary_id).terms[0].target == "moinho"
        assert [each.term_count for each in client.glossaries()] == [2]
    async with AsyncClient(peer.address, TOKEN) as again:
        assert len(await again.glossaries()) == 1
        assert len((await again.get_glossary(made.glossary_id)).terms) == 2
        other = await again.create_glossary("Other", "en", terms)
        await again.delete_glossary(made.glossary_id)
        await again.delete_glossary(other.glossary_id)
        with pytest.raises(NotFound):
            await again.get_glossary(made.glossary_id)
