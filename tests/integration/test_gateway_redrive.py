"""Retries, deletions, queues and dead letters over HTTP, against the real job service."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.integration.gateway_edge import DEADLINE_SECONDS, assert_problem, running_edge
from tests.integration.job_service_house import House, open_house
from tests.integration.test_job_service_redrive import dead, failed
from tests.integration.test_job_service_workers import complete, lease_next


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_edge(f"127.0.0.1:{house.service.client_port.number}") as edge,
        httpx.AsyncClient(
            base_url=edge.url,
            headers={"Authorization": house.client[0][1]},
            timeout=DEADLINE_SECONDS,
        ) as client,
    ):
        yield client


async def test_job_is_retried_with_and_without_a_body(
    http: httpx.AsyncClient, house: House, redis_url: str
) -> None:
    old = await failed(house, redis_url, "pt", "es")
    path = f"/v1/jobs/{old.job_id}/retry"
    plain = await http.post(path)
    assert plain.status_code == 201, plain.text
    job = plain.json()
    assert plain.headers["location"] == f"/v1/jobs/{job['job_id']}"
    assert (job["parent_job_id"], job["state"]) == (old.job_id, "pending")
    assert [target["key"] for target in job["targets"]] == ["es"]
    whole = {"all_targets": True, "request_id": "again"}
    first = await http.post(path, json=whole)
    again = await http.post(path, json={"all_targets": True}, headers={"Idempotency-Key": "again"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert len(first.json()["targets"]) == 2
    differs = await http.post(path, json={"request_id": "again"})
    assert_problem(differs, 409, "IDEMPOTENCY_MISMATCH")


async def test_retry_is_refused_as_a_problem(
    http: httpx.AsyncClient, house: House, redis_url: str
) -> None:
    job = await house.create("pt")
    path = f"/v1/jobs/{job.job_id}/retry"
    assert_problem(await http.post(path), 409, "JOB_ACTIVE")
    await complete(house, await lease_next(house, redis_url), "feito")
    assert_problem(await http.post(path), 409, "JOB_SUCCEEDED")
    assert_problem(await http.post(f"/v1/jobs/{uuid4()}/retry"), 404, "JOB_NOT_FOUND")
    assert_problem(await http.post(f"{path}?all=1"), 400, "INVALID_REQUEST", "all")
    assert_problem(await http.post(path, json={"all": True}), 400, "INVALID_REQUEST", "all")
    text = await http.post(path, content="x", headers={"Content-Type": "text/plain"})
    assert_problem(text, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_job_is_deleted_once_it_has_ended(
    http: httpx.AsyncClient, house: House, redis_url: str
) -> None:
    job = await house.create("pt")
    path = f"/v1/jobs/{job.job_id}"
    assert_problem(await http.delete(path), 409, "JOB_ACTIVE")
    await complete(house, await lease_next(house, redis_url), "feito")
    gone = await http.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert_problem(await http.delete(path), 404, "JOB_NOT_FOUND")
    assert_problem(await http.get(path), 404, "JOB_NOT_FOUND")


async def test_dead_letters_are_listed_and_replayed(
    http: httpx.AsyncClient, house: House, redis_url: str, database_url: str
) -> None:
    letters = [(await dead(house, redis_url, database_url)).job_id for _ in range(3)]
    first = (await http.get("/v1/dead-letters", params={"page_size": 2})).json()
    rest = (
        await http.get("/v1/dead-letters", params={"page_token": first["next_page_token"]})
    ).json()
    listed = [*first["dead_letters"], *rest["dead_letters"]]
    assert [each["job_id"] for each in listed] == letters[::-1]
    assert rest["next_page_token"] is None
    assert listed[0]["error"]["reason"] == "ENGINE_FAILED"
    assert (listed[0]["kind"], listed[0]["attempts"]) == ("translate_text", 1)
    replayed = await http.post("/v1/dead-letters:replay", json={"job_ids": letters})
    assert replayed.status_code == 200, replayed.text
    jobs = replayed.json()["jobs"]
    assert [job["parent_job_id"] for job in jobs] == letters
    again = await http.post("/v1/dead-letters:replay", json={"job_ids": letters[:1]})
    assert again.json()["jobs"][0]["job_id"] == jobs[0]["job_id"]
    found = (await http.get("/v1/dead-letters")).json()["dead_letters"]
    assert found[-1]["replay_job_ids"] == [jobs[0]["job_id"]]


async def test_replay_is_refused_as_a_problem(
    http: httpx.AsyncClient, house: House, redis_url: str
) -> None:
    job = await failed(house, redis_url, "pt")
    path = "/v1/dead-letters:replay"
    refused = await http.post(path, json={"job_ids": [job.job_id]})
    problem = assert_problem(refused, 409, "NOT_A_DEAD_LETTER")
    assert problem["metadata"]["job_id"] == job.job_id
    unknown = await http.post(path, json={"job_ids": [str(uuid4())]})
    assert_problem(unknown, 404, "JOB_NOT_FOUND")
    wrong = await http.post(path, json={"job_ids": ["x"]})
    assert_problem(wrong, 400, "INVALID_REQUEST", "job_ids[0]")
    assert_problem(await http.post(path, json={"job_ids": []}), 400, "INVALID_REQUEST", "job_ids")
    bad_page = await http.get("/v1/dead-letters", params={"page_token": "x"})
    assert_problem(bad_page, 400, "INVALID_REQUEST", "page_token")


async def test_queues_are_listed(http: httpx.AsyncClient, house: House, redis_url: str) -> None:
    await house.create("pt", "es")
    await lease_next(house, redis_url)
    queues = {queue["name"]: queue for queue in (await http.get("/v1/queues")).json()["queues"]}
    busy, idle = queues["translation.normal"], queues["media.low"]
    assert (busy["depth"], busy["leased"], busy["priority"]) == (1, 1, "normal")
    assert 0 <= busy["oldest_age_seconds"] < DEADLINE_SECONDS
    assert (idle["depth"], idle["oldest_age_seconds"], idle["drain_rate"]) == (0, None, 0)
