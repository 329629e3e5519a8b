"""What is not well-formed, not allowed or not known gets its typed answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest as ReflectionRequest,
)
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionResponse as ReflectionResponse,
)

from babelmill.jobs.v1 import (
    artifact_service_pb2,
    catalog_service_pb2,
    job_service_pb2,
    worker_service_pb2,
)
from babelmill.kit.wire.status_details import ErrorDetails, from_rpc_error
from tests.integration.job_service_house import (
    House,
    Metadata,
    bearer,
    open_house,
    refusal,
    text_request,
)

SERVICES = {
    "client": (job_service_pb2, artifact_service_pb2, catalog_service_pb2),
    "worker": (worker_service_pb2,),
}


def method_paths(port: str) -> list[str]:
    return [
        f"/{service.full_name}/{method.name}"
        for module in SERVICES[port]
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    async with open_house(database_url, redis_url, artifacts_directory) as opened:
        yield opened


async def raw_refusal(
    channel: grpc.aio.Channel, path: str, body: bytes, metadata: Metadata
) -> ErrorDetails:
    """Send bytes to any method as a stream of one message, which fits every kind of method."""
    method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
    call = method(iter([body]), metadata=metadata)
    try:
        async with asyncio.timeout(10):
            async for _ in call:
                pass
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error)
    raise AssertionError("the call succeeded")


@pytest.mark.matrix(3)
@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x05ab"])
async def test_malformed_message_is_refused_when_sent_to_any_method(
    house: House, body: bytes
) -> None:
    calls = [(house.client_channel, path, house.client) for path in method_paths("client")]
    calls += [(house.worker_channel, path, house.worker) for path in method_paths("worker")]
    for channel, path, metadata in calls:
        details = await raw_refusal(channel, path, body, metadata)
        assert details.code is grpc.StatusCode.INVALID_ARGUMENT, path
        assert details.reason == "MALFORMED", path
        assert "pars" not in details.message.lower(), "the parser's own text leaked"


@pytest.mark.matrix(3)
async def test_string_is_refused_when_it_is_not_utf8(house: House) -> None:
    path = "/babelmill.jobs.v1.JobService/GetJob"
    details = await raw_refusal(house.client_channel, path, b"\x0a\x02\xff\xfe", house.client)
    assert (details.code, details.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")


@pytest.mark.matrix(4)
async def test_unknown_enum_is_refused_when_sent(house: House) -> None:
    request = text_request()
    request.priority = 77  # type: ignore[assignment]  # no such value
    details = await refusal(house.jobs.CreateJob(request, metadata=house.client))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [(v.field, v.reason) for v in details.violations] == [("priority", "UNKNOWN_ENUM_VALUE")]


@pytest.mark.matrix(1)
async def test_message_is_refused_when_larger_than_the_limit(house: House) -> None:
    request = text_request(text="x" * (5 * 1024 * 1024))
    details = await refusal(house.jobs.CreateJob(request, metadata=house.client))
    assert details.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.matrix(2)
async def test_compressed_bomb_is_refused_when_it_unpacks_beyond_the_limit(house: House) -> None:
    request = text_request(text="0" * (64 * 1024 * 1024))
    channel = grpc.aio.insecure_channel(
        f"127.0.0.1:{house.service.client_port.number}",
        compression=grpc.Compression.Gzip,
        options=[("grpc.max_send_message_length", -1)],
    )
    async with channel:
        create: grpc.aio.UnaryUnaryMultiCallable[job_service_pb2.CreateJobRequest, bytes]
        create = channel.unary_unary(
            "/babelmill.jobs.v1.JobService/CreateJob",
            request_serializer=job_service_pb2.CreateJobRequest.SerializeToString,
        )
        details = await refusal(create(request, metadata=house.client))
        assert details.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.matrix(17)
@pytest.mark.parametrize("port", ["client", "worker"])
@pytest.mark.parametrize("token", [None, "", "wrong", "babelmill_client_" + "A" * 43])
async def test_call_is_refused_when_it_has_no_valid_token(
    house: House, port: str, token: str | None
) -> None:
    channel = house.client_channel if port == "client" else house.worker_channel
    metadata = () if token is None else bearer(token)
    for path in method_paths(port):
        details = await raw_refusal(channel, path, b"\xff", metadata)
        assert (details.code, details.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "UNAUTHENTICATED",
        ), path


@pytest.mark.matrix(18)
async def test_call_is_refused_when_its_token_is_of_the_other_role(house: House) -> None:
    calls = [(house.client_channel, path, house.worker) for path in method_paths("client")]
    calls += [(house.worker_channel, path, house.client) for path in method_paths("worker")]
    for channel, path, metadata in calls:
        details = await raw_refusal(channel, path, b"", metadata)
        assert (details.code, details.reason) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "WRONG_ROLE",
        ), path


@pytest.mark.matrix(6, 20)
async def test_workers_methods_are_not_there_when_called_on_the_clients_port(
    house: House,
) -> None:
    for path in (*method_paths("worker"), "/babelmill.jobs.v1.JobService/Nothing"):
        details = await raw_refusal(house.client_channel, path, b"", house.worker)
        assert details.code is grpc.StatusCode.UNIMPLEMENTED


async def test_method_is_unimplemented_when_this_server_has_not_got_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_there(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("job_service.application.queries.Queries.get_job", not_there)
    request = job_service_pb2.GetJobRequest(job_id="018f2c3e-7b1a-7cc0-8000-0123456789ab")
    details = await refusal(house.jobs.GetJob(request, metadata=house.client))
    assert details.code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.matrix(5)
async def test_metadata_is_refused_when_larger_than_the_limit(house: House) -> None:
    metadata = (*house.client, ("x-big", "x" * 20_000))
    call = house.jobs.ListJobs(job_service_pb2.ListJobsRequest(), metadata=metadata)
    assert (await refusal(call)).code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_health_is_open_when_asked_without_a_token(house: House) -> None:
    for channel, names in (
        (house.client_channel, ["", "babelmill.jobs.v1.JobService"]),
        (house.worker_channel, ["", "babelmill.jobs.v1.WorkerService"]),
    ):
        # Any: the published types of the stub have no methods.
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in names:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        unknown = await refusal(stub.Check(health_pb2.HealthCheckRequest(service="nothing")))
        assert unknown.code is grpc.StatusCode.NOT_FOUND


def reflect(
    channel: grpc.aio.Channel, metadata: Metadata = ()
) -> "grpc.aio.StreamStreamCall[ReflectionRequest, ReflectionResponse]":
    """Ask which services there are."""
    # Any: the published types of the stub know neither asyncio nor its one method.
    new_stub: Any = reflection_pb2_grpc.ServerReflectionStub
    requests = iter([ReflectionRequest(list_services="")])
    call: grpc.aio.StreamStreamCall[ReflectionRequest, ReflectionResponse]
    call = new_stub(channel).ServerReflectionInfo(requests, metadata=metadata)
    return call


async def test_reflection_lists_the_services_when_asked_on_loopback(house: House) -> None:
    async def services(channel: grpc.aio.Channel) -> set[str]:
        async for answer in reflect(channel):
            return {service.name for service in answer.list_services_response.service}
        return set()

    assert {
        "babelmill.jobs.v1.JobService",
        "babelmill.jobs.v1.ArtifactService",
        "babelmill.jobs.v1.CatalogService",
    } <= await services(house.client_channel)
    assert "babelmill.jobs.v1.WorkerService" in await services(house.worker_channel)


@pytest.mark.matrix(6)
async def test_reflection_needs_a_token_when_the_port_is_reachable_from_elsewhere(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(
        database_url, redis_url, artifacts_directory, grpc_listen="0.0.0.0:0"
    ) as house:
        details = await refusal(reflect(house.client_channel))
        assert details.code is grpc.StatusCode.UNAUTHENTICATED
        assert [answer async for answer in reflect(house.client_channel, house.client)]


async def test_channelz_answers_workers_only_when_asked(house: House) -> None:
    stub = channelz_pb2_grpc.ChannelzStub(house.worker_channel)
    request = channelz_pb2.GetServersRequest()
    assert (await refusal(stub.GetServers(request))).code is grpc.StatusCode.UNAUTHENTICATED
    assert (await stub.GetServers(request, metadata=house.worker)).server
    elsewhere = channelz_pb2_grpc.ChannelzStub(house.client_channel)
    details = await refusal(elsewhere.GetServers(request, metadata=house.client))
    assert details.code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.matrix(65)
async def test_fault_says_nothing_of_itself_when_a_use_case_breaks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("job_service.application.queries.Queries.get_job", broken)
    request = job_service_pb2.GetJobRequest(job_id="018f2c3e-7b1a-7cc0-8000-0123456789ab")
    details = await refusal(house.jobs.GetJob(request, metadata=house.client))
    assert details.code is grpc.StatusCode.INTERNAL
    assert "secret" not in details.message
    assert details.metadata["request_id"]


@pytest.mark.matrix(7)
async def test_call_is_refused_when_too_many_run(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> None:
    async with open_house(
        database_url, redis_url, artifacts_directory, max_concurrent_calls=3
    ) as house:
        job = await house.create()
        request = job_service_pb2.WatchJobRequest(job_id=job.job_id)
        watches = [house.jobs.WatchJob(request, metadata=house.client) for _ in range(3)]
        for watch in watches:
            await watch.read()
        listing = job_service_pb2.ListJobsRequest()
        details = await refusal(house.jobs.ListJobs(listing, metadata=house.client))
        assert details.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        heartbeat = worker_service_pb2.HeartbeatRequest(worker_id="w")
        await house.workers.Heartbeat(heartbeat, metadata=house.worker)
        for watch in watches:
            watch.cancel()
