"""Glossaries, formats and the new kinds of jobs over real HTTP, against a protocol peer."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.gateway_edge import assert_problem, running_edge
from tests.integration.gateway_peer import Peer, running_peer

_TERMS = [
    {"source": "mill", "target": "moinho", "target_language": "pt", "case_sensitive": False},
    {"source": "Babelmill", "target": "", "target_language": "", "case_sensitive": True},
]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        yield running


@pytest.fixture
async def http(peer: Peer) -> AsyncIterator[httpx.AsyncClient]:
    async with running_edge(peer.address) as edge, edge.client() as client:
        yield client


async def test_glossary_lives_and_dies_when_asked(http: httpx.AsyncClient) -> None:
    body = {"display_name": "Mills", "source_language": "en", "terms": _TERMS}
    made = await http.post("/v1/glossaries", json=body)
    assert made.status_code == 201, made.text
    place = made.headers["location"]
    assert made.json()["terms"] is None
    assert made.json()["term_count"] == 2
    assert (await http.get(place)).json()["terms"] == _TERMS
    (listed,) = (await http.get("/v1/glossaries")).json()["glossaries"]
    assert (listed["display_name"], listed["terms"]) == ("Mills", None)
    assert (await http.delete(place)).status_code == 204
    assert_problem(await http.get(place), 404, "GLOSSARY_NOT_FOUND")
    assert_problem(await http.delete(place), 404, "GLOSSARY_NOT_FOUND")


@pytest.mark.parametrize(
    "body", [{"name": "x"}, {"terms": [{"from": "a"}]}, {"terms": "mill"}, ["x"]]
)
async def test_glossary_is_refused_when_its_shape_is_wrong(
    body: object, http: httpx.AsyncClient
) -> None:
    assert_problem(await http.post("/v1/glossaries", json=body), 400, "INVALID_REQUEST")


async def test_formats_and_abilities_are_listed_when_asked(http: httpx.AsyncClient) -> None:
    (found,) = (await http.get("/v1/formats")).json()["formats"]
    assert found == {
        "name": "docx",
        "description": "Word.",
        "extensions": [".docx"],
        "media_types": ["application/x"],
    }
    (engine,) = (await http.get("/v1/engines")).json()["engines"]
    assert engine["max_batch_segments"] == 64
    assert engine["any_pair"] is False


async def test_document_job_is_created_without_its_key_in_the_answer(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    chat = {"base_url": "https://llm.example/v1", "model_name": "m", "api_key": "sk-canary"}
    spec = {"artifact_id": "a", "target_languages": ["pt"], "options": {"chat_model": chat}}
    made = await http.post("/v1/jobs", json={"spec": {"translate_document": spec}})
    assert made.status_code == 201, made.text
    assert "sk-canary" not in made.text
    _, sent = peer.requests[-1]
    assert sent.spec.translate_document.options.chat_model.api_key == "sk-canary"


async def test_key_is_not_echoed_when_the_body_is_refused(http: httpx.AsyncClient) -> None:
    chat = {"api_key": "sk-canary", "wrong": 1}
    spec = {"url": "https://example.com", "options": {"chat_model": chat}}
    refused = await http.post("/v1/jobs", json={"spec": {"translate_url": spec}})
    assert_problem(refused, 400, "INVALID_REQUEST")
    assert "sk-canary" not in refused.text


async def test_key_is_passed_on_when_a_job_is_retried(http: httpx.AsyncClient, peer: Peer) -> None:
    job_id = (await http.post("/v1/jobs", json={"spec": {}})).json()["job_id"]
    await http.post(f"/v1/jobs/{job_id}/retry", json={"chat_api_key": "sk-canary"})
    name, sent = peer.requests[-1]
    assert name == "RetryJob"
    assert sent.chat_api_key == "sk-canary"
