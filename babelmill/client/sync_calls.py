"""The blocking client's channel: one place where calls are made and repeated."""

import copy
import threading
from types import TracebackType
from typing import Self, TypeVar

import grpc

from babelmill.client.call_policy import CallPolicy
from babelmill.client.endpoint import Surroundings, bearer
from babelmill.client.errors import (
    DeadlineExceeded,
    NotConfigured,
    Unavailable,
    error_from_rpc,
)
from babelmill.client.resumption import ResumePolicy, Resumption
from babelmill.jobs.v1 import (
    admin_service_pb2_grpc,
    artifact_service_pb2_grpc,
    catalog_service_pb2_grpc,
    job_service_pb2_grpc,
    queue_service_pb2_grpc,
    webhook_service_pb2_grpc,
)
from babelmill.kit.wire.channels import open_channel
from babelmill.kit.wire.tls import BadCertificate, ClientTls
from babelmill.translation.v1 import glossary_service_pb2_grpc

_Req = TypeVar("_Req")
_Res = TypeVar("_Res")


class SyncCalls:
    """An open channel, and how calls are made on it."""

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        service: str = "",
        policy: CallPolicy | None = None,
        tls: ClientTls | None = None,
    ) -> None:
        endpoint = Surroundings().endpoint(address, token)
        self.address = endpoint.address
        self._policy = policy or CallPolicy()
        # The token goes with each call, so that clients can share a channel.
        try:
            self._channel = open_channel(
                endpoint.address, "", service=service, tls=tls or endpoint.tls
            )
        except BadCertificate as error:
            raise NotConfigured(str(error)) from error
        self._owns_channel = True
        self._metadata = bearer(endpoint.token)
        self._closed = threading.Event()
        self._admin = admin_service_pb2_grpc.AdminServiceStub(self._channel)
        self._jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self._artifacts = artifact_service_pb2_grpc.ArtifactServiceStub(self._channel)
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(self._channel)
        self._queues = queue_service_pb2_grpc.QueueServiceStub(self._channel)
        self._webhooks = webhook_service_pb2_grpc.WebhookServiceStub(self._channel)
        self._glossaries = glossary_service_pb2_grpc.GlossaryServiceStub(self._channel)

    def with_token(self, token: str) -> Self:
        """Return this client as seen by the holder of another token.

        It shares the channel, which ends with the client that opened it.
        """
        other = copy.copy(self)
        other._metadata, other._owns_channel = bearer(token), False
        other._closed = threading.Event()
        return other

    def close(self) -> None:
        """Close the channel; calls that run are cancelled. Idempotent."""
        self._closed.set()
        if self._owns_channel:
            self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, method: "grpc.UnaryUnaryMultiCallable[_Req, _Res]", request: _Req) -> _Res:
        try:
            return method(request, timeout=self._policy.call_seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_from_rpc(error) from error

    def _repeat(
        self,
        method: "grpc.UnaryUnaryMultiCallable[_Req, _Res]",
        request: _Req,
        repeatable: bool,
        policy: ResumePolicy | None = None,
    ) -> _Res:
        resumption = Resumption(policy or self._policy.submit)
        while True:
            try:
                return self._call(method, request)
            except (Unavailable, DeadlineExceeded) as error:
                if not repeatable or self._closed.is_set():
                    raise
                self._closed.wait(resumption.delay_after(error))
