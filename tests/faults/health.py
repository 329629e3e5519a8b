"""Asks a job service how it is, as an orchestrator does: without a token."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def health(address: str, name: str = "", *, timeout_seconds: float = 5) -> str:
    """Give the status of the server, or of one of its parts; or the code of the failed call."""
    with grpc.insecure_channel(address) as channel:
        # Any: published without types.
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=name)
        try:
            status = stub.Check(request, timeout=timeout_seconds).status
        except grpc.RpcError as error:
            return error.code().name
    return health_pb2.HealthCheckResponse.ServingStatus.Name(status)
