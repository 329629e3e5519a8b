"""The gateway on a free port, in the test's own event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from babelmill.kit.process.lifecycle import StopSignal
from gateway.main import EdgeServer, serve
from gateway.settings import GatewaySettings
from tests.integration.gateway_peer import TOKEN

DEADLINE_SECONDS = 20.0


@dataclass
class Edge:
    """A running gateway."""

    url: str
    stop: StopSignal
    task: "asyncio.Task[None]"

    def client(self, token: str | None = TOKEN) -> httpx.AsyncClient:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=DEADLINE_SECONDS)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds. Raises TimeoutError at the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_edge(grpc_address: str, **settings: object) -> AsyncIterator[Edge]:
    """Serve until the end of the block."""
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_started(server: EdgeServer) -> None:
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        started.set_result(f"http://{host}:{port}")

    stop = StopSignal()
    chosen = GatewaySettings.model_validate(
        {
            "grpc": grpc_address,
            "http_listen": "127.0.0.1:0",
            "gateway_drain_seconds": 3,
            **settings,
        }
    )
    task = asyncio.create_task(serve(chosen, stop, on_started))
    either: set[asyncio.Future[Any]] = {task, started}  # Any: only that it is done counts
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield Edge(await started, stop, task)
    finally:
        stop.request("test")
        await asyncio.wait_for(task, DEADLINE_SECONDS)


def assert_problem(
    response: httpx.Response, status: int, reason: str, field: str = ""
) -> dict[str, Any]:
    """Check that a response is a problem, whole and right, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["reason"] == reason
    assert problem["type"].endswith(reason)
    assert problem["title"]
    assert problem["detail"]
    if field:
        assert [each["field"] for each in problem["violations"]] == [field]
    return problem
