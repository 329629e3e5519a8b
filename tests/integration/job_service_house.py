"""The job service in this process, on real servers, driven through real channels."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import grpc
import grpc.aio
import redis.asyncio
from pydantic import SecretStr

from babelmill.jobs.v1 import (
    admin_service_pb2_grpc,
    artifact_service_pb2_grpc,
    catalog_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    lease_pb2,
    queue_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from babelmill.kit.wire.status_details import ErrorDetails, from_rpc_error
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.application.tokens import Tokens
from job_service.domain.principal import Role
from job_service.serving import DATABASE_CONNECTIONS, JobService
from job_service.settings import JobServiceSettings
from job_service.storage.engine import open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory

Metadata = tuple[tuple[str, str], ...]

WORKER = "fake@host:1"


@dataclass(frozen=True)
class House:
    """A running service, its credentials and a stub for each of its services."""

    service: JobService
    tokens: Tokens
    tenant_id: UUID
    client: Metadata
    other_client: Metadata
    worker: Metadata
    operator: Metadata
    client_channel: grpc.aio.Channel
    worker_channel: grpc.aio.Channel

    @property
    def jobs(self) -> "job_service_pb2_grpc.JobServiceAsyncStub":
        return job_service_pb2_grpc.JobServiceStub(self.client_channel)

    @property
    def artifacts(self) -> "artifact_service_pb2_grpc.ArtifactServiceAsyncStub":
        return artifact_service_pb2_grpc.ArtifactServiceStub(self.client_channel)

    @property
    def catalog(self) -> "catalog_service_pb2_grpc.CatalogServiceAsyncStub":
        return catalog_service_pb2_grpc.CatalogServiceStub(self.client_channel)

    @property
    def queues(self) -> "queue_service_pb2_grpc.QueueServiceAsyncStub":
        return queue_service_pb2_grpc.QueueServiceStub(self.client_channel)

    @property
    def admin(self) -> "admin_service_pb2_grpc.AdminServiceAsyncStub":
        return admin_service_pb2_grpc.AdminServiceStub(self.client_channel)

    @property
    def workers(self) -> "worker_service_pb2_grpc.WorkerServiceAsyncStub":
        return worker_service_pb2_grpc.WorkerServiceStub(self.worker_channel)

    async def create(self, *targets: str, **changes: object) -> job_pb2.Job:
        request = text_request(*targets, **changes)
        response = await self.jobs.CreateJob(request, metadata=self.client)
        return response.job

    async def get(self, job_id: str) -> job_pb2.Job:
        request = job_service_pb2.GetJobRequest(job_id=job_id)
        return (await self.jobs.GetJob(request, metadata=self.client)).job

    async def acquire(self, *refs: lease_pb2.LeaseRef) -> worker_service_pb2.AcquireLeasesResponse:
        return await self.workers.AcquireLeases(
            worker_service_pb2.AcquireLeasesRequest(worker_id=WORKER, refs=refs),
            metadata=self.worker,
        )


def text_request(*targets: str, **changes: object) -> job_service_pb2.CreateJobRequest:
    text = str(changes.pop("text", "Hello, world."))
    spec = translation_pb2.TranslateTextSpec(
        text=text, source_language="en", target_languages=targets or ("pt",)
    )
    request = job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(translate_text=spec))
    for name, value in changes.items():
        setattr(request, name, value)
    return request


def transcode_request(artifact_id: str) -> job_service_pb2.CreateJobRequest:
    spec = media_pb2.TranscodeSpec(artifact_id=artifact_id, preset="mp3")
    return job_service_pb2.CreateJobRequest(spec=job_pb2.JobSpec(transcode=spec))


@asynccontextmanager
async def open_house(
    database_url: str, redis_url: str, artifacts: Path, **settings: object
) -> AsyncIterator[House]:
    """Serve until the block ends, on ports of the system's choice."""
    database = open_database(database_url, DATABASE_CONNECTIONS)
    service: JobService | None = None
    try:
        tokens = Tokens(units=SqlUnitOfWorkFactory(database))
        tenant_id = tokens.create_tenant("ours")
        client = tokens.create_token(tenant_id, Role.CLIENT)
        worker = tokens.create_token(tenant_id, Role.WORKER)
        other = tokens.create_token(tokens.create_tenant("theirs"), Role.CLIENT)
        operator = tokens.create_token(tokens.create_tenant("operators"), Role.OPERATOR)
        service = JobService(
            JobServiceSettings.model_validate(
                {
                    "grpc_listen": "127.0.0.1:0",
                    "worker_grpc_listen": "127.0.0.1:0",
                    "database_url": SecretStr(database_url),
                    "redis_url": SecretStr(redis_url),
                    "artifacts": str(artifacts),
                    "drain_seconds": 2,
                    **settings,
                }
            ),
            database,
        )
        await service.start()
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{service.client_port.number}") as to_clients,
            grpc.aio.insecure_channel(f"127.0.0.1:{service.worker_port.number}") as to_workers,
        ):
            yield House(
                service=service,
                tokens=tokens,
                tenant_id=tenant_id,
                client=bearer(client),
                other_client=bearer(other),
                worker=bearer(worker),
                operator=bearer(operator),
                client_channel=to_clients,
                worker_channel=to_workers,
            )
    finally:
        if service is not None:
            await service.stop()
        database.close()


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


async def refusal(call: object) -> ErrorDetails:
    """Await a call that must fail; return its error with details."""
    try:
        if isinstance(call, grpc.aio.UnaryStreamCall | grpc.aio.StreamStreamCall):
            while await call.read() is not grpc.aio.EOF:
                pass
        else:
            await call  # type: ignore[misc]  # every kind of call but a stream's can be awaited
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error)
    raise AssertionError("the call succeeded")


@dataclass(frozen=True)
class QueuedMessage:
    """What a worker would find in a queue."""

    kwargs: dict[str, object]
    headers: dict[str, object]

    def ref(self, lease_id: str) -> lease_pb2.LeaseRef:
        generation = self.kwargs["generation"]
        assert isinstance(generation, int)
        return lease_pb2.LeaseRef(
            step_id=str(self.kwargs["step_id"]), generation=generation, lease_id=lease_id
        )


async def take_message(redis_url: str, queue: str, timeout_seconds: float = 10) -> QueuedMessage:
    """Take the next message as the broker hands it out."""
    client = redis.asyncio.Redis.from_url(redis_url)
    async with client:
        popped = await client.brpop([queue], timeout=timeout_seconds)
    assert popped is not None, f"no message in {queue}"
    envelope = json.loads(popped[1])
    _, kwargs, _ = json.loads(base64.b64decode(envelope["body"]))
    return QueuedMessage(kwargs, envelope["headers"])
