"""Artifacts: upload (raw or as a form), resume, describe.

Bytes pass through in blocks as fast as the job service takes them; this edge
never holds a whole body and never writes one to disk.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from babelmill.client.errors import BabelmillError
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from babelmill.kit.wire.status_details import FieldViolation
from gateway.http.content_headers import DEFAULT_MEDIA_TYPE
from gateway.http.multipart import FileFormReader, boundary_of
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError, from_client_error
from gateway.routes.context import CallerOf, Context, ContextOf, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.artifacts import Artifact, artifact_from_proto
from gateway.transcoding.words import RequestText

router = APIRouter(prefix="/v1", tags=["artifacts"])

_LARGEST_INT64 = 2**63 - 1
_DEFAULT_FILENAME = "artifact"

ArtifactId = Annotated[
    str, Path(description="A UUID.", examples=["01890a5d-ac96-774b-bcce-b302099a8057"])
]


class ContentDescription(BaseModel):
    """What is told of the content of every upload."""

    model_config = ConfigDict(extra="forbid")

    filename: RequestText = Field(
        default="", description="A label for people; `artifact` if none is given.", max_length=4096
    )
    sha256: RequestText = Field(
        default="",
        description="What the content must hash to, in hexadecimal. With it, a broken upload "
        "stays resumable whatever happens. Needs `size_bytes` or a Content-Length.",
        max_length=64,
    )
    size_bytes: int | None = Field(
        default=None, description="Size of the whole content.", ge=0, le=_LARGEST_INT64
    )


class UploadDescription(ContentDescription):
    """What is told of a new upload: query parameters of a raw one, fields of a form."""

    artifact_id: RequestText = Field(
        default="",
        description="A UUID of the client's choice, which makes the upload resumable. "
        "Empty lets the service choose.",
        max_length=64,
    )


class ResumeDescription(ContentDescription):
    """What is told of a resumed upload."""

    offset: int = Field(
        default=0,
        description="Where the body's first byte belongs: the artifact's `received_bytes`.",
        ge=0,
        le=_LARGEST_INT64,
    )


_FORM_EXAMPLE = {
    "artifact_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "filename": "clip.mp4",
    "media_type": "video/mp4",
    "file": "(the bytes)",
}
_FORM_SCHEMA: dict[str, Any] = {  # Any: a JSON schema
    "type": "object",
    "required": ["file"],
    "description": "Fields come before the file, and the file is the last part.",
    "properties": {
        "artifact_id": {"type": "string", "format": "uuid"},
        "filename": {"type": "string", "description": "Instead of the file part's own."},
        "media_type": {"type": "string", "description": "Instead of the file part's own."},
        "sha256": {"type": "string", "description": "Needs `size_bytes`."},
        "size_bytes": {"type": "string", "description": "In digits."},
        "file": {"type": "string", "format": "binary"},
    },
}
_RAW_SCHEMA: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}  # Any: as above
_UPLOAD_HEADERS: dict[str, Any] = {  # Any: as above
    "Location": {"schema": {"type": "string"}, "description": "The artifact."},
    "Upload-Offset": {
        "schema": {"type": "integer"},
        "description": "How many bytes of the content are there.",
    },
}


@router.post(
    "/artifacts",
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"description": "The bytes are stored.", "headers": _UPLOAD_HEADERS},
        **refusals(408, 409, 413, 415, 507),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _FORM_SCHEMA, "example": _FORM_EXAMPLE},
                "*/*": _RAW_SCHEMA,
            },
        }
    },
)
async def upload_artifact(
    request: Request,
    response: Response,
    context: ContextOf,
    caller: CallerOf,
    described: Annotated[UploadDescription, Query()],
) -> Artifact:
    """Upload an artifact.

    Either the bytes are the body, with their Content-Type, or the body is a
    form whose last part is `file`. To be able to resume, choose an
    `artifact_id`: after a break `GET` it and go on with `PUT` at its
    `received_bytes`.
    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        header, content = await _form_upload(request, content_type, described)
    else:
        header = _header(described, content_type, request, described.artifact_id, 0)
        content = request.stream()
    artifact = await _upload(context, caller, header, content)
    _describe_upload(response, artifact)
    return artifact_from_proto(artifact)


@router.put(
    "/artifacts/{artifact_id}",
    responses={
        200: {"description": "The bytes are stored.", "headers": _UPLOAD_HEADERS},
        **refusals(404, 408, 409, 413, 415, 507),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"*/*": _RAW_SCHEMA}}},
)
async def resume_artifact(
    request: Request,
    response: Response,
    context: ContextOf,
    caller: CallerOf,
    artifact_id: ArtifactId,
    described: Annotated[ResumeDescription, Query()],
) -> Artifact:
    """Upload the rest of an artifact, or all of it under an id of one's own choice.

    The body is the bytes from `offset` on. A wrong offset gives 409 with
    reason `OFFSET_MISMATCH` and `received_bytes` in the metadata.
    """
    content_type = request.headers.get("content-type", "")
    header = _header(described, content_type, request, artifact_id, described.offset)
    artifact = await _upload(context, caller, header, request.stream())
    _describe_upload(response, artifact)
    return artifact_from_proto(artifact)


@router.get(
    "/artifacts/{artifact_id}", responses=refusals(404, 410), dependencies=[Depends(only_query())]
)
async def get_artifact(
    response: Response, context: ContextOf, caller: CallerOf, artifact_id: ArtifactId
) -> Artifact:
    """Describe an artifact; while it is being uploaded, say where to go on."""
    artifact = await context.client.get_artifact(caller, artifact_id)
    _describe_upload(response, artifact)
    return artifact_from_proto(artifact)


@router.head(
    "/artifacts/{artifact_id}",
    response_class=Response,
    responses={
        200: {"description": "It exists.", "headers": _UPLOAD_HEADERS},
        **refusals(404, 410),
    },
    dependencies=[Depends(only_query())],
)
async def head_artifact(context: ContextOf, caller: CallerOf, artifact_id: ArtifactId) -> Response:
    """Tell by `Upload-Offset` how much of an artifact is there."""
    response = Response(media_type="application/json")
    _describe_upload(response, await context.client.get_artifact(caller, artifact_id))
    return response


async def _upload(
    context: Context,
    caller: Caller,
    header: artifact_service_pb2.UploadHeader,
    content: AsyncIterator[bytes],
) -> artifact_pb2.Artifact:
    try:
        return await context.client.upload(caller, header, content)
    except BabelmillError as error:
        refused = from_client_error(error)
        # The contract's `header.digest.sha256` is this edge's `sha256`.
        refused.violations = [
            replace(each, field=each.field.removeprefix("header.").removeprefix("digest."))
            for each in refused.violations
        ]
        raise refused from error


async def _form_upload(
    request: Request, content_type: str, described: UploadDescription
) -> tuple[artifact_service_pb2.UploadHeader, AsyncIterator[bytes]]:
    names = (*UploadDescription.model_fields, "media_type")
    reader = FileFormReader(boundary_of(content_type), request.stream(), names)
    form = await reader.head()
    media_type = form.fields.pop("media_type", form.media_type)
    try:
        merged = UploadDescription.model_validate(
            {"filename": form.filename} | described.model_dump(exclude_defaults=True) | form.fields
        )
    except ValidationError as error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "INVALID_REQUEST",
            "A field of the form is wrong.",
            violations=[
                FieldViolation(str(entry["loc"][0]), entry["msg"], "INVALID")
                for entry in error.errors(include_input=False, include_url=False)
            ],
        ) from None
    # A form's Content-Length is not the file's.
    header = _header(merged, media_type, None, merged.artifact_id, 0)
    return header, reader.content()


def _header(
    described: ContentDescription,
    media_type: str,
    request: Request | None,
    artifact_id: str,
    offset: int,
) -> artifact_service_pb2.UploadHeader:
    header = artifact_service_pb2.UploadHeader(
        artifact_id=artifact_id,
        filename=described.filename or _DEFAULT_FILENAME,
        # A resumed upload has its type already; clients send a default one.
        media_type="" if offset else (media_type or DEFAULT_MEDIA_TYPE),
        offset=offset,
    )
    size_bytes = described.size_bytes
    if size_bytes is None and request is not None:
        length = request.headers.get("content-length", "")
        size_bytes = offset + int(length) if length.isascii() and length.isdigit() else None
    if described.sha256:
        if size_bytes is None:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                "INVALID_REQUEST",
                "sha256 needs size_bytes or a Content-Length.",
                violations=[FieldViolation("size_bytes", "is missing", "MISSING")],
            )
        header.digest.sha256 = described.sha256
        header.digest.size_bytes = size_bytes
    return header


def _describe_upload(response: Response, artifact: artifact_pb2.Artifact) -> None:
    ready = artifact.state == artifact_pb2.ARTIFACT_STATE_READY
    there = artifact.digest.size_bytes if ready else artifact.received_bytes
    response.headers["Location"] = f"/v1/artifacts/{artifact.artifact_id}"
    response.headers["Upload-Offset"] = str(there)
