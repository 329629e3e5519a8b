"""Which services each port has, and the roles that may call them."""

from collections.abc import Sequence

from babelmill.jobs.v1 import (
    admin_service_pb2_grpc,
    artifact_service_pb2_grpc,
    catalog_service_pb2_grpc,
    job_service_pb2_grpc,
    queue_service_pb2_grpc,
    webhook_service_pb2_grpc,
    worker_service_pb2_grpc,
)
from babelmill.translation.v1 import glossary_service_pb2_grpc
from job_service.api.edge import Register
from job_service.api.server import Service
from job_service.domain.principal import Role

CLIENT_PORT = frozenset({Role.CLIENT, Role.OPERATOR})
"""An operator is a client of its own tenant as well."""
WORKER_PORT = frozenset({Role.WORKER})

_OPERATORS = frozenset({Role.OPERATOR})
_FOR_CLIENTS: tuple[tuple[str, Register], ...] = (
    (
        "babelmill.jobs.v1.JobService",
        job_service_pb2_grpc.add_JobServiceServicer_to_server,
    ),
    (
        "babelmill.jobs.v1.ArtifactService",
        artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server,
    ),
    (
        "babelmill.jobs.v1.CatalogService",
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
    ),
    (
        "babelmill.jobs.v1.QueueService",
        queue_service_pb2_grpc.add_QueueServiceServicer_to_server,
    ),
    (
        "babelmill.translation.v1.GlossaryService",
        glossary_service_pb2_grpc.add_GlossaryServiceServicer_to_server,
    ),
    (
        "babelmill.jobs.v1.WebhookService",
        webhook_service_pb2_grpc.add_WebhookServiceServicer_to_server,
    ),
)

CLIENT_SERVICE_NAMES = tuple(name for name, _ in _FOR_CLIENTS)


def client_services(
    *,
    jobs: object,
    artifacts: object,
    catalog: object,
    queues: object,
    glossaries: object,
    webhooks: object,
) -> list[Service]:
    """Give what clients may call; each argument is the servicer of its name."""
    servicers = (jobs, artifacts, catalog, queues, glossaries, webhooks)
    return [
        Service(name, register, servicer)
        for (name, register), servicer in zip(_FOR_CLIENTS, servicers, strict=True)
    ]


def admin_services(admin: object) -> Sequence[Service]:
    """Give what operators alone may call, on the port of clients."""
    register = admin_service_pb2_grpc.add_AdminServiceServicer_to_server
    return [Service("babelmill.jobs.v1.AdminService", register, admin, _OPERATORS)]


def worker_services(worker: object) -> Sequence[Service]:
    """Give what workers may call, on a port of their own."""
    register = worker_service_pb2_grpc.add_WorkerServiceServicer_to_server
    return [Service("babelmill.jobs.v1.WorkerService", register, worker)]
