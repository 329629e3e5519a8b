"""The artifact and catalogue half of the clients' protocol peer."""

# ruff: noqa: N802 - gRPC names its methods so

import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
)
from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import translation_pb2

TOKEN = "client-token"
UNAVAILABLE = ErrorDetails(grpc.StatusCode.UNAVAILABLE, "draining")
SLOW = ErrorDetails(grpc.StatusCode.RESOURCE_EXHAUSTED, "too slow", reason="SLOW_WATCHER")
INTERNAL = ErrorDetails(grpc.StatusCode.INTERNAL, "oops")
SILENCE = ErrorDetails(grpc.StatusCode.OK, "says nothing more")

# Any: servicer contexts are generic in types that no test needs.
Context = Any


@dataclass
class Stored:
    """An artifact and its bytes."""

    artifact: artifact_pb2.Artifact
    data: bytes = b""


@dataclass
class Faults:
    """What goes wrong, each item once, in order."""

    # After so many messages a watch or download breaks with this error.
    breaks: list[tuple[int, ErrorDetails]] = field(default_factory=list)
    # After so many bytes an upload breaks; the service keeps what has come.
    upload_breaks: list[tuple[int, ErrorDetails]] = field(default_factory=list)
    # The next unary calls are refused.
    refusals: list[ErrorDetails] = field(default_factory=list)
    # A CreateJob is accepted, but its answer is lost.
    lost_answers: int = 0


async def refuse(context: Context, details: ErrorDetails) -> NoReturn:
    await context.abort_with_status(to_rpc_status(details))
    raise AssertionError("abort returns never")


def digest_of(data: bytes) -> artifact_pb2.Digest:
    return artifact_pb2.Digest(sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


class ArtifactPeer(
    artifact_service_pb2_grpc.ArtifactServiceServicer,
    catalog_service_pb2_grpc.CatalogServiceServicer,
):
    """Keeps artifacts in memory and notes how they were moved."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.artifacts: dict[str, Stored] = {}
        self.upload_offsets: list[int] = []
        self.download_offsets: list[int] = []
        self.traceparents: list[str] = []
        self.tokens: list[str] = []

    def add_artifact(self, data: bytes, filename: str = "made.bin") -> artifact_pb2.Artifact:
        artifact = artifact_pb2.Artifact(
            artifact_id=str(uuid.uuid4()),
            state=artifact_pb2.ARTIFACT_STATE_READY,
            filename=filename,
            digest=digest_of(data),
        )
        self.artifacts[artifact.artifact_id] = Stored(artifact, data)
        return artifact

    async def enter(self, context: Context, *, unary: bool = True) -> None:
        metadata = dict(context.invocation_metadata())
        self.traceparents.append(metadata.get("traceparent", ""))
        token = metadata.get("authorization", "").removeprefix("Bearer ")
        self.tokens.append(token)
        if not token:
            await refuse(context, ErrorDetails(grpc.StatusCode.UNAUTHENTICATED, "no token"))
        if unary and self.faults.refusals:
            await refuse(context, self.faults.refusals.pop(0))

    async def UploadArtifact(
        self,
        request_iterator: AsyncIterator[artifact_service_pb2.UploadArtifactRequest],
        context: Context,
    ) -> artifact_service_pb2.UploadArtifactResponse:
        await self.enter(context, unary=False)
        header = (await anext(request_iterator)).header
        artifact_id = header.artifact_id or str(uuid.uuid4())
        stored = self.artifacts.setdefault(
            artifact_id,
            Stored(
                artifact_pb2.Artifact(
                    artifact_id=artifact_id,
                    state=artifact_pb2.ARTIFACT_STATE_UPLOADING,
                    filename=header.filename,
                    media_type=header.media_type,
                )
            ),
        )
        self.upload_offsets.append(header.offset)
        if header.offset != len(stored.data):
            await refuse(
                context,
                ErrorDetails(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    "go on elsewhere",
                    reason="OFFSET_MISMATCH",
                    metadata={"received_bytes": str(len(stored.data))},
                ),
            )
        fault = self.faults.upload_breaks.pop(0) if self.faults.upload_breaks else None
        async for message in request_iterator:
            assert message.chunk.offset == len(stored.data)
            assert len(message.chunk.data) <= 1024 * 1024
            stored.data += message.chunk.data
            stored.artifact.received_bytes = len(stored.data)
            if fault is not None and len(stored.data) >= fault[0]:
                await refuse(context, fault[1])
        if header.HasField("digest"):
            if len(stored.data) < header.digest.size_bytes:
                return artifact_service_pb2.UploadArtifactResponse(artifact=stored.artifact)
            if digest_of(stored.data) != header.digest:
                stored.data = b""
                await refuse(
                    context,
                    ErrorDetails(
                        grpc.StatusCode.INVALID_ARGUMENT, "other bytes", reason="DIGEST_MISMATCH"
                    ),
                )
        stored.artifact.digest.CopyFrom(digest_of(stored.data))
        stored.artifact.state = artifact_pb2.ARTIFACT_STATE_READY
        return artifact_service_pb2.UploadArtifactResponse(artifact=stored.artifact)

    async def GetArtifact(
        self, request: artifact_service_pb2.GetArtifactRequest, context: Context
    ) -> artifact_service_pb2.GetArtifactResponse:
        await self.enter(context)
        if request.artifact_id not in self.artifacts:
            await refuse(context, ErrorDetails(grpc.StatusCode.NOT_FOUND, "no such artifact"))
        return artifact_service_pb2.GetArtifactResponse(
            artifact=self.artifacts[request.artifact_id].artifact
        )

    async def ListArtifacts(
        self, request: artifact_service_pb2.ListArtifactsRequest, context: Context
    ) -> artifact_service_pb2.ListArtifactsResponse:
        await self.enter(context)
        return artifact_service_pb2.ListArtifactsResponse(
            artifacts=[
                stored.artifact
                for stored in self.artifacts.values()
                if request.filename in ("", stored.artifact.filename)
            ],
            next_page_token=request.page_token and "next",
        )

    async def DownloadArtifact(
        self, request: artifact_service_pb2.DownloadArtifactRequest, context: Context
    ) -> AsyncIterator[artifact_service_pb2.DownloadArtifactResponse]:
        await self.enter(context, unary=False)
        self.download_offsets.append(request.offset)
        stored = self.artifacts.get(request.artifact_id)
        if stored is None:
            await refuse(context, ErrorDetails(grpc.StatusCode.NOT_FOUND, "no such artifact"))
        if request.offset > len(stored.data):
            await refuse(context, ErrorDetails(grpc.StatusCode.OUT_OF_RANGE, "beyond the end"))
        yield artifact_service_pb2.DownloadArtifactResponse(artifact=stored.artifact)
        fault = self.faults.breaks.pop(0) if self.faults.breaks else None
        for number, start in enumerate(range(request.offset, len(stored.data), 65536)):
            if fault is not None and number == fault[0]:
                await refuse(context, fault[1])
            piece = stored.data[start : start + 65536]
            yield artifact_service_pb2.DownloadArtifactResponse(
                chunk=artifact_service_pb2.Chunk(offset=start, data=piece)
            )

    async def ListLanguagePairs(
        self, request: catalog_service_pb2.ListLanguagePairsRequest, context: Context
    ) -> catalog_service_pb2.ListLanguagePairsResponse:
        await self.enter(context)
        pairs = [("en", "pt"), ("pt", "en")]
        return catalog_service_pb2.ListLanguagePairsResponse(
            pairs=[
                translation_pb2.LanguagePair(
                    source_language=source,
                    target_language=target,
                    hops=[translation_pb2.RouteHop(engine="mill", target_language=target)],
                )
                for source, target in pairs
                if request.source_language in ("", source)
            ]
        )

    async def ListEngines(
        self, request: catalog_service_pb2.ListEnginesRequest, context: Context
    ) -> catalog_service_pb2.ListEnginesResponse:
        await self.enter(context)
        engine = translation_pb2.Engine(
            name="mill",
            version="1",
            description="[bold]Grinds.[/]",
            any_pair=True,
            sets_tone=True,
        )
        return catalog_service_pb2.ListEnginesResponse(engines=[engine])

    async def ListPresets(
        self, request: catalog_service_pb2.ListPresetsRequest, context: Context
    ) -> catalog_service_pb2.ListPresetsResponse:
        await self.enter(context)
        preset = media_pb2.Preset(name="mp3", media_type="audio/mpeg", description="Sound.")
        return catalog_service_pb2.ListPresetsResponse(presets=[preset])

    async def ListFormats(
        self, request: catalog_service_pb2.ListFormatsRequest, context: Context
    ) -> catalog_service_pb2.ListFormatsResponse:
        await self.enter(context)
        found = translation_pb2.Format(
            name="docx", description="Word.", extensions=[".docx"], media_types=["application/x"]
        )
        return catalog_service_pb2.ListFormatsResponse(formats=[found])
