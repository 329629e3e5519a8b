"""The GlossaryService for protocol peers: glossaries in memory, by the contract's rules."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import Message
from typing_extensions import override

from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status
from babelmill.translation.v1 import (
    glossary_pb2,
    glossary_service_pb2,
    glossary_service_pb2_grpc,
)

Context = grpc.aio.ServicerContext[Any, Any]
Enter = Callable[[str, Message, Context], Awaitable[None]]


class Glossaries(glossary_service_pb2_grpc.GlossaryServiceServicer):
    """`enter` is what the peer does at the beginning of every call."""

    def __init__(self, enter: Enter) -> None:
        self._enter = enter
        self.kept: dict[str, glossary_pb2.Glossary] = {}

    @override
    async def CreateGlossary(
        self, request: glossary_service_pb2.CreateGlossaryRequest, context: Context
    ) -> glossary_service_pb2.CreateGlossaryResponse:
        await self._enter("CreateGlossary", request, context)
        glossary = glossary_pb2.Glossary(
            glossary_id=str(uuid.uuid4()),
            display_name=request.display_name,
            source_language=request.source_language,
            terms=request.terms,
            term_count=len(request.terms),
        )
        glossary.create_time.GetCurrentTime()
        self.kept[glossary.glossary_id] = glossary
        return glossary_service_pb2.CreateGlossaryResponse(glossary=_without_terms(glossary))

    @override
    async def GetGlossary(
        self, request: glossary_service_pb2.GetGlossaryRequest, context: Context
    ) -> glossary_service_pb2.GetGlossaryResponse:
        await self._enter("GetGlossary", request, context)
        found = await self._find(request.glossary_id, context)
        return glossary_service_pb2.GetGlossaryResponse(glossary=found)

    @override
    async def ListGlossaries(
        self, request: glossary_service_pb2.ListGlossariesRequest, context: Context
    ) -> glossary_service_pb2.ListGlossariesResponse:
        await self._enter("ListGlossaries", request, context)
        found = sorted(self.kept.values(), key=lambda glossary: glossary.display_name)
        return glossary_service_pb2.ListGlossariesResponse(
            glossaries=[_without_terms(glossary) for glossary in found]
        )

    @override
    async def DeleteGlossary(
        self, request: glossary_service_pb2.DeleteGlossaryRequest, context: Context
    ) -> glossary_service_pb2.DeleteGlossaryResponse:
        await self._enter("DeleteGlossary", request, context)
        await self._find(request.glossary_id, context)
        del self.kept[request.glossary_id]
        return glossary_service_pb2.DeleteGlossaryResponse()

    async def _find(self, glossary_id: str, context: Context) -> glossary_pb2.Glossary:
        if glossary_id not in self.kept:
            await context.abort_with_status(
                to_rpc_status(
                    ErrorDetails(
                        grpc.StatusCode.NOT_FOUND, "no such glossary", reason="GLOSSARY_NOT_FOUND"
                    )
                )
            )
        return self.kept[glossary_id]


def _without_terms(glossary: glossary_pb2.Glossary) -> glossary_pb2.Glossary:
    bare = glossary_pb2.Glossary()
    bare.CopyFrom(glossary)
    bare.ClearField("terms")
    return bare
