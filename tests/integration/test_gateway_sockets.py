"""WebSockets against a scripted job service: ends, stops, refusals, clients that go or stall."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from babelmill.jobs.v1 import failure_pb2, job_event_pb2, job_pb2
from babelmill.kit.wire.status_details import ErrorDetails
from tests.integration.gateway_edge import DEADLINE_SECONDS, Edge, running_edge, until
from tests.integration.gateway_peer import TOKEN, Peer, StoredJob, running_peer

REVOKED = ErrorDetails(grpc.StatusCode.UNAUTHENTICATED, "No valid token.", "UNAUTHENTICATED")


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        yield running


@pytest.fixture
async def edge(peer: Peer) -> AsyncIterator[Edge]:
    async with running_edge(peer.address, gateway_send_stall_seconds=0.5) as running:
        yield running


async def running_job(peer: Peer) -> StoredJob:
    stored = peer.add_job()
    await peer.change(stored, job_pb2.JOB_STATE_QUEUED)
    return stored


def watch(edge: Edge, stored: StoredJob) -> connect:
    url = edge.url.replace("http://", "ws://") + f"/v1/jobs/{stored.job.job_id}/ws"
    return connect(url, additional_headers={"authorization": f"Bearer {TOKEN}"})


def connections(port: int) -> list[object]:
    """What this process, the gateway in it, holds open at a port."""
    return [
        each
        for each in psutil.Process().net_connections("tcp")
        if each.laddr.port == port and each.status != psutil.CONN_LISTEN
    ]


async def frame(client: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        found: dict[str, Any] = json.loads(await client.recv())
        return found


async def test_job_is_told_to_its_end_when_watched(edge: Edge, peer: Peer) -> None:
    stored = await running_job(peer)
    async with watch(edge, stored) as client:
        snapshot = await frame(client)
        assert (snapshot["event"], snapshot["id"]) == ("snapshot", 1)
        assert snapshot["data"]["state"] == "queued"
        await peer.report(stored, 40.0)
        progress = await frame(client)
        assert (progress["event"], progress["id"]) == ("progress", None)
        assert progress["data"]["percent"] == 40.0
        await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
        assert (await frame(client))["data"]["state"] == "completed"
        end = await frame(client)
        assert (end["event"], end["data"]["sequence"]) == ("end", 2)
        await client.wait_closed()
        assert client.close_code == 1000
    await until(lambda: peer.watchers == 0)


async def test_watch_goes_on_when_the_job_service_was_away(edge: Edge, peer: Peer) -> None:
    stored = await running_job(peer)
    async with watch(edge, stored) as client:
        assert (await frame(client))["event"] == "snapshot"
        await peer.stop()
        await peer.start()
        await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
        assert [(await frame(client))["event"] for _ in range(2)] == ["job_state", "end"]


async def test_problem_is_told_when_the_token_is_gone(edge: Edge, peer: Peer) -> None:
    stored = await running_job(peer)
    async with watch(edge, stored) as client:
        assert (await frame(client))["event"] == "snapshot"
        peer.refusals["WatchJob"] = REVOKED
        await peer.stop()
        await peer.start()
        problem = await frame(client)
        assert problem["event"] == "problem"
        assert problem["data"]["status"] == 401
        await client.wait_closed()
        assert client.close_code == 4401


async def test_socket_is_closed_for_a_restart_when_the_gateway_stops(
    edge: Edge, peer: Peer
) -> None:
    stored = await running_job(peer)
    async with watch(edge, stored) as client:
        assert (await frame(client))["event"] == "snapshot"
        edge.stop.request("test")
        with pytest.raises(ConnectionClosed):
            await frame(client)
        assert client.close_code == 1012


@pytest.mark.parametrize("says_so", [True, False])
async def test_watch_ends_when_the_client_goes(edge: Edge, peer: Peer, says_so: bool) -> None:
    stored = await running_job(peer)
    async with watch(edge, stored) as client:
        assert (await frame(client))["event"] == "snapshot"
        await until(lambda: peer.watchers == 1)
        if not says_so:
            client.transport.abort()
    await until(lambda: peer.watchers == 0)


async def test_watch_ends_when_the_client_reads_nothing(edge: Edge, peer: Peer) -> None:
    stored = await running_job(peer)
    for sequence in range(2, 82):
        changed = job_event_pb2.JobStateChanged(
            state=job_pb2.JOB_STATE_RETRY_WAIT, error=failure_pb2.Failure(message="x" * 200_000)
        )
        stored.events.append(
            job_event_pb2.JobEvent(
                job_id=stored.job.job_id, sequence=sequence, job_state_changed=changed
            )
        )
    stored.job.sequence = 81
    host, port = edge.url.removeprefix("http://").rsplit(":", 1)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, (host, int(port)))
        head = (
            f"GET /v1/jobs/{stored.job.job_id}/ws?after_sequence=0 HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {TOKEN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await loop.sock_sendall(raw, head.encode())
        await until(lambda: peer.watches_opened == 1)
        await until(lambda: peer.watchers == 0)
        # And the connection is let go of, with what the client never reads.
        await until(lambda: not connections(int(port)))
