"""Event streams over real HTTP: order, resumption, breaks, disconnects, the end."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest

from babelmill.jobs.v1 import job_pb2
from babelmill.kit.wire.status_details import ErrorDetails
from tests.integration.gateway_edge import (
    DEADLINE_SECONDS,
    Edge,
    assert_problem,
    running_edge,
    until,
)
from tests.integration.gateway_peer import Peer, StoredJob, running_peer


@dataclass(frozen=True)
class Received:
    """One event as an EventSource would see it."""

    name: str
    event_id: str | None
    data: dict[str, Any]


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


async def events_of(response: httpx.Response) -> AsyncIterator[Received]:
    """Parse by the HTML standard, section 9.2.6, as far as it is used."""
    name, event_id, data = "", None, ""
    async for line in response.aiter_lines():
        if not line:
            if data:
                yield Received(name, event_id, json.loads(data))
            name, event_id, data = "", None, ""
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            event_id = value
        elif field == "data":
            data += value


async def running_job(peer: Peer) -> StoredJob:
    stored = peer.add_job()
    await peer.change(stored, job_pb2.JOB_STATE_PENDING)
    await peer.change(stored, job_pb2.JOB_STATE_QUEUED)
    return stored


async def test_stream_tells_snapshot_events_and_end_when_job_completes(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    received = []
    async with http.stream("GET", f"/v1/jobs/{stored.job.job_id}/events") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        async for event in events_of(response):
            received.append(event)
            if event.name == "snapshot":
                await peer.report(stored, 40.0)
            if event.name == "progress":
                await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    assert [each.name for each in received] == ["snapshot", "progress", "job_state", "end"]
    assert [each.event_id for each in received] == ["2", None, "3", None]
    assert received[0].data["state"] == "queued"
    assert received[1].data["percent"] == 40.0
    assert received[2].data["previous"] == "queued"
    assert received[2].data["state"] == "completed"
    assert received[3].data == {"job_id": stored.job.job_id, "sequence": 3}


async def test_stream_ends_at_once_when_job_is_final(http: httpx.AsyncClient, peer: Peer) -> None:
    stored = await running_job(peer)
    await peer.change(stored, job_pb2.JOB_STATE_FAILED)
    async with http.stream("GET", f"/v1/jobs/{stored.job.job_id}/events") as response:
        names = [event.name async for event in events_of(response)]
    assert names == ["snapshot", "end"]


async def test_every_event_is_told_when_replayed_from_zero(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    async with http.stream(
        "GET", f"/v1/jobs/{stored.job.job_id}/events?after_sequence=0"
    ) as response:
        received = [event async for event in events_of(response)]
    assert [each.event_id for each in received[:-1]] == ["1", "2", "3"]
    assert received[0].data["previous"] is None
    assert received[-1].name == "end"


async def test_events_are_listed_in_pages_when_asked_for(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    listed = f"/v1/jobs/{stored.job.job_id}/events:list"
    first = (await http.get(listed, params={"page_size": 2})).json()
    assert [each["event"] for each in first["events"]] == ["job_state", "job_state"]
    rest = (await http.get(listed, params={"after_sequence": first["last_sequence"]})).json()
    assert [each["data"]["sequence"] for each in rest["events"]] == [3]
    assert rest["events"][0]["data"]["state"] == "completed"
    end = (await http.get(listed, params={"after_sequence": 3})).json()
    assert end == {"events": [], "last_sequence": 3}
    assert_problem(await http.get("/v1/jobs/none/events:list"), 404, "JOB_NOT_FOUND")


async def test_last_event_id_wins_when_query_says_otherwise(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    async with http.stream(
        "GET",
        f"/v1/jobs/{stored.job.job_id}/events?after_sequence=0",
        headers={"Last-Event-ID": "2"},
    ) as response:
        received = [event async for event in events_of(response)]
    assert [each.event_id for each in received] == ["3", None]


async def test_nothing_is_sent_again_when_final_event_was_received(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    response = await http.get(
        f"/v1/jobs/{stored.job.job_id}/events", headers={"Last-Event-ID": "3"}
    )
    assert response.status_code == 204


async def test_stream_has_no_gap_when_job_service_restarts(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    ids = []
    async with http.stream(
        "GET", f"/v1/jobs/{stored.job.job_id}/events?after_sequence=0"
    ) as response:
        async for event in events_of(response):
            ids.append(event.event_id)
            if event.event_id == "2":
                await peer.stop()
                await peer.change(stored, job_pb2.JOB_STATE_IN_PROGRESS)
                await peer.change(stored, job_pb2.JOB_STATE_RETRY_WAIT)
                await peer.start()
            if event.event_id == "4":
                await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    assert ids == ["1", "2", "3", "4", "5", None]
    assert peer.watches_opened >= 2


async def test_watch_is_cancelled_when_client_goes_away(edge: Edge, peer: Peer) -> None:
    stored = await running_job(peer)
    async with (
        edge.client() as client,
        client.stream("GET", f"/v1/jobs/{stored.job.job_id}/events") as response,
    ):
        assert (await anext(events_of(response))).name == "snapshot"
        assert peer.watchers == 1
    await until(lambda: peer.watchers == 0)


async def test_comment_is_sent_when_nothing_happens(peer: Peer) -> None:
    stored = await running_job(peer)
    async with (
        running_edge(peer.address, gateway_keep_alive_seconds=0.2) as edge,
        edge.client() as client,
        client.stream("GET", f"/v1/jobs/{stored.job.job_id}/events?after_sequence=2") as response,
    ):
        lines = response.aiter_lines()
        async with asyncio.timeout(DEADLINE_SECONDS):
            comments = [line async for line in first_comments(lines, 2)]
    assert comments == [": keep-alive", ": keep-alive"]


async def first_comments(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith(":"):
            yield line
            count -= 1
        if count == 0:
            return


async def test_stream_ends_for_reconnection_when_gateway_stops(peer: Peer) -> None:
    stored = await running_job(peer)
    async with running_edge(peer.address) as edge, edge.client() as client:
        async with client.stream("GET", f"/v1/jobs/{stored.job.job_id}/events") as response:
            received = []
            async for event in events_of(response):
                received.append(event.name)
                edge.stop.request("test")
        await asyncio.wait_for(edge.task, DEADLINE_SECONDS)
    assert received == ["snapshot"]  # no `end`: the job goes on
    await until(lambda: peer.watchers == 0)


async def test_stream_tells_problem_when_it_cannot_go_on(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    received: list[Received] = []
    async with http.stream("GET", f"/v1/jobs/{stored.job.job_id}/events") as response:
        async for event in events_of(response):
            if not received:
                peer.refusals["WatchJob"] = ErrorDetails(
                    grpc.StatusCode.PERMISSION_DENIED, "Revoked.", "WRONG_ROLE"
                )
                await peer.stop()
                await peer.start()
            received.append(event)
    assert [each.name for each in received] == ["snapshot", "problem"]
    assert received[1].data["reason"] == "WRONG_ROLE"
    assert received[1].data["status"] == 403


async def test_refusal_is_a_status_when_the_watch_is_refused_at_once(
    http: httpx.AsyncClient, peer: Peer
) -> None:
    stored = await running_job(peer)
    peer.refusals["WatchJob"] = ErrorDetails(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "No room.", "TOO_MANY_WATCHERS", retry_after_seconds=2
    )
    response = await http.get(f"/v1/jobs/{stored.job.job_id}/events")
    assert_problem(response, 429, "TOO_MANY_WATCHERS")
    assert response.headers["retry-after"] == "2"
    assert peer.watchers == 0


async def test_unavailable_is_a_status_when_job_service_is_away(edge: Edge, peer: Peer) -> None:
    await peer.stop()
    async with edge.client() as client:
        response = await client.get("/v1/jobs/any/events")
    assert response.status_code == 503
    assert response.json()["reason"] == "UNAVAILABLE"
    assert response.headers["retry-after"] == "1"
    assert "127.0.0.1" not in response.text


@pytest.mark.parametrize(
    ("query", "last_event_id", "status", "reason"),
    [
        ("", "x", 400, "INVALID_REQUEST"),
        ("", "-1", 400, "INVALID_REQUEST"),
        ("", "9" * 19, 400, "INVALID_REQUEST"),
        ("", "9" * 400, 400, "INVALID_REQUEST"),
        ("", "99", 400, "SEQUENCE_BEYOND_END"),
        ("?after_sequence=-1", None, 400, "INVALID_REQUEST"),
        ("?after_sequence=1e3", None, 400, "INVALID_REQUEST"),
        ("?after=1", None, 400, "INVALID_REQUEST"),
    ],
)
async def test_position_is_refused_when_wrong(
    http: httpx.AsyncClient,
    peer: Peer,
    query: str,
    last_event_id: str | None,
    status: int,
    reason: str,
) -> None:
    stored = await running_job(peer)
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    response = await http.get(f"/v1/jobs/{stored.job.job_id}/events{query}", headers=headers)
    assert response.status_code == status
    assert response.json()["reason"] == reason
    assert peer.watches_opened == 0


async def test_refusal_is_a_status_when_job_is_unknown(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1/jobs/none/events")
    assert response.status_code == 404
    assert response.json()["reason"] == "JOB_NOT_FOUND"
