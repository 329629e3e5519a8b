"""An artifact's bytes: streamed, by range, and safe to hand to a browser."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from babelmill.client.errors import BabelmillError
from babelmill.jobs.v1 import artifact_pb2
from babelmill.kit.process.logs import get_logger
from gateway.http.content_headers import attachment_headers, etag_matches, safe_media_type
from gateway.http.ranges import ByteRange, parse_range
from gateway.http.streaming import ClosingStream, StreamBroken
from gateway.jobs_client.client import Download
from gateway.problem_details import ProblemError
from gateway.routes.artifacts import ArtifactId
from gateway.routes.context import CallerOf, ContextOf, only_query
from gateway.routes.refusals import refusals

router = APIRouter(prefix="/v1", tags=["artifacts"])
_log = get_logger(__name__)

# Whatever type the artifact was given by whoever made it.
_BINARY = {"*/*": {"schema": {"type": "string", "format": "binary"}}}


@router.head(
    "/artifacts/{artifact_id}/content",
    operation_id="head_content",
    response_class=Response,
    responses={
        200: {"description": "The headers of the download."},
        206: {"description": "The headers of the range."},
        304: {"description": "The content is what If-None-Match names."},
        **refusals(404, 409, 410, 416),
    },
    dependencies=[Depends(only_query())],
)
@router.get(
    "/artifacts/{artifact_id}/content",
    operation_id="get_content",
    response_class=Response,
    responses={
        200: {"description": "All bytes.", "content": _BINARY},
        206: {"description": "The bytes of the range.", "content": _BINARY},
        304: {"description": "The content is what If-None-Match names."},
        **refusals(404, 409, 410, 416),
    },
    dependencies=[Depends(only_query())],
)
async def get_content(
    request: Request,
    context: ContextOf,
    caller: CallerOf,
    artifact_id: ArtifactId,
    range_header: Annotated[
        str | None,
        Header(alias="Range", description="One range of bytes.", examples=["bytes=0-1023"]),
    ] = None,
    if_range: Annotated[
        str | None,
        Header(max_length=256, description="An ETag: the range counts only for this content."),
    ] = None,
    if_none_match: Annotated[
        str | None,
        Header(max_length=4096, description="ETags: 304 if the content is one of these."),
    ] = None,
) -> Response:
    """Download an artifact, or one range of it.

    The ETag is the content's sha256. It is served as an attachment and never
    to be run.
    """
    artifact = await context.client.get_artifact(caller, artifact_id)
    if artifact.state != artifact_pb2.ARTIFACT_STATE_READY:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "ARTIFACT_NOT_READY",
            "The artifact's upload has not finished.",
            metadata={"received_bytes": str(artifact.received_bytes)},
        )
    headers = attachment_headers(artifact.filename, artifact.digest.sha256)
    if if_none_match is not None and etag_matches(if_none_match, artifact.digest.sha256):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    size_bytes = artifact.digest.size_bytes
    wanted, status = ByteRange(0, size_bytes - 1), HTTPStatus.OK
    outdated = if_range is not None and if_range.strip() != headers["ETag"]
    if range_header is not None and not outdated:
        wanted, status = parse_range(range_header, size_bytes), HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = wanted.content_range(size_bytes)
    headers["Content-Length"] = str(wanted.length)
    media_type = safe_media_type(artifact.media_type)
    if request.method == "HEAD" or wanted.length == 0:
        return Response(status_code=status, headers=headers, media_type=media_type)
    download = context.client.download(caller, artifact.artifact_id, wanted.first)
    try:
        # The first bytes are awaited here: until then a refusal can be a status.
        first = await anext(download)
    except BaseException:
        await download.aclose()
        raise
    return ClosingStream(
        _whole(download, first)
        if wanted.length == size_bytes
        else _part(download, first, wanted.length),
        on_close=download.aclose,
        stall_seconds=context.limits.send_stall_seconds,
        status_code=status,
        headers=headers,
        media_type=media_type,
    )


async def _whole(download: Download, first: bytes) -> AsyncGenerator[bytes]:
    """Yield all bytes; the last ones only once the digest was found right.

    A client that got all bytes would take damaged ones for good.
    """
    held = first
    async with _told_apart():
        while (data := await anext(download, None)) is not None:
            yield held
            held = data
    yield held


async def _part(download: Download, first: bytes, length: int) -> AsyncGenerator[bytes]:
    """Yield exactly the first `length` bytes."""
    data = first
    async with _told_apart():
        while True:
            yield data[:length]
            length -= len(data)
            if length <= 0:
                return
            data = await anext(download)


@asynccontextmanager
async def _told_apart() -> AsyncIterator[None]:
    """End the connection, not the process's peace, when the rest cannot be had."""
    try:
        yield
    except BabelmillError as error:
        _log.warning("download_broken", code=error.code.name, reason=error.reason)
        raise StreamBroken from error
