"""The database goes away and comes back: typed refusals meanwhile, and no restart after."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import psycopg2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from tests.integration.job_service_house import House, open_house, refusal, text_request

if TYPE_CHECKING:
    from babelmill.stack.postgres import EmbeddedPostgres


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


@pytest.fixture
def allow_connections(
    postgres_server: "EmbeddedPostgres", database_url: str
) -> Callable[[bool], None]:
    """Lock everybody out of the test's database, or let them in again."""
    name = database_url.rpartition("/")[2].partition("?")[0]

    def allow(allowed: bool) -> None:
        connection = psycopg2.connect(postgres_server.url("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}")
                if not allowed:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                        (name,),
                    )
        finally:
            connection.close()

    return allow


async def health(house: House) -> int:
    # Any: the published types of the stub have no methods.
    stub: Any = health_pb2_grpc.HealthStub(house.client_channel)
    answer: health_pb2.HealthCheckResponse = await stub.Check(health_pb2.HealthCheckRequest())
    return answer.status


async def until_health(house: House, status: int) -> None:
    async with asyncio.timeout(20):
        while await health(house) != status:
            await asyncio.sleep(0.05)


async def test_calls_are_unavailable_until_the_database_is_back(
    house: House, allow_connections: Callable[[bool], None]
) -> None:
    job = await house.create()
    watch = house.jobs.WatchJob(
        job_service_pb2.WatchJobRequest(job_id=job.job_id, after_sequence=0),
        metadata=house.client,
    )
    await watch.read()
    await asyncio.to_thread(allow_connections, False)
    for call in (house.jobs.CreateJob(text_request(), metadata=house.client), watch):
        details = await refusal(call)
        assert (details.code, details.reason) == (
            grpc.StatusCode.UNAVAILABLE,
            "STORAGE_UNAVAILABLE",
        )
        assert details.retry_after_seconds
    await until_health(house, health_pb2.HealthCheckResponse.NOT_SERVING)
    await asyncio.to_thread(allow_connections, True)
    await until_health(house, health_pb2.HealthCheckResponse.SERVING)
    assert (await house.create()).job_id
    async with asyncio.timeout(30):
        while (await house.get(job.job_id)).state != job_pb2.JOB_STATE_QUEUED:
            await asyncio.sleep(0.05)


async def test_no_job_is_lost_or_doubled_when_connections_keep_breaking(
    house: House, allow_connections: Callable[[bool], None]
) -> None:
    accepted: dict[str, str] = {}
    refusals: set[grpc.StatusCode] = set()

    async def submit(number: int) -> None:
        request = text_request(request_id=f"r{number}")
        while f"r{number}" not in accepted:
            try:
                created = await house.jobs.CreateJob(request, metadata=house.client)
            except grpc.aio.AioRpcError as error:
                refusals.add(error.code())
                await asyncio.sleep(0.02)
            else:
                accepted[f"r{number}"] = created.job.job_id

    async def disturb() -> None:
        for _ in range(3):
            await asyncio.to_thread(allow_connections, False)
            await asyncio.to_thread(allow_connections, True)
            await asyncio.sleep(0.1)

    async with asyncio.timeout(60):
        await asyncio.gather(disturb(), *(submit(n) for n in range(30)))
    assert refusals <= {grpc.StatusCode.UNAVAILABLE}
    listing = job_service_pb2.ListJobsRequest(page_size=500)
    async with asyncio.timeout(20):
        while True:
            try:
                page = await house.jobs.ListJobs(listing, metadata=house.client)
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)
    assert sorted(job.job_id for job in page.jobs) == sorted(accepted.values())
