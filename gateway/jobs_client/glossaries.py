"""Calls of the glossary service on behalf of many callers."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from babelmill.client.errors import error_from_rpc
from babelmill.translation.v1 import (
    glossary_pb2,
    glossary_service_pb2,
    glossary_service_pb2_grpc,
)
from gateway.jobs_client.caller import Caller

T = TypeVar("T")


class GlossariesClient:
    """Speaks to the glossary service. Every method raises BabelmillError for a failed call."""

    def __init__(self, channel: grpc.aio.Channel, *, deadline_seconds: float) -> None:
        self._stub = glossary_service_pb2_grpc.GlossaryServiceStub(channel)
        self._deadline_seconds = deadline_seconds

    async def create(
        self, caller: Caller, request: glossary_service_pb2.CreateGlossaryRequest
    ) -> glossary_pb2.Glossary:
        """Keep a glossary."""
        call = self._stub.CreateGlossary(
            request, metadata=caller.metadata, timeout=self._deadline_seconds
        )
        return (await _answered(call)).glossary

    async def get(self, caller: Caller, glossary_id: str) -> glossary_pb2.Glossary:
        """Get a glossary with its terms."""
        call = self._stub.GetGlossary(
            glossary_service_pb2.GetGlossaryRequest(glossary_id=glossary_id),
            metadata=caller.metadata,
            timeout=self._deadline_seconds,
        )
        return (await _answered(call)).glossary

    async def list(self, caller: Caller) -> glossary_service_pb2.ListGlossariesResponse:
        """Get all glossaries, without their terms."""
        return await _answered(
            self._stub.ListGlossaries(
                glossary_service_pb2.ListGlossariesRequest(),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )

    async def delete(self, caller: Caller, glossary_id: str) -> None:
        """Remove a glossary."""
        await _answered(
            self._stub.DeleteGlossary(
                glossary_service_pb2.DeleteGlossaryRequest(glossary_id=glossary_id),
                metadata=caller.metadata,
                timeout=self._deadline_seconds,
            )
        )


async def _answered(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.RpcError as error:
        raise error_from_rpc(error) from error
