"""Forms with a file, as the dialects' clients send them: the file goes straight into the store."""

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Request
from starlette.types import Scope

from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from gateway.http.content_headers import DEFAULT_MEDIA_TYPE
from gateway.http.multipart import FileFormReader, boundary_of
from gateway.jobs_client.caller import Caller
from gateway.routes.context import Context

_MULTIPART = "multipart/form-data"
_DEFAULT_FILENAME = "upload"


@dataclass(frozen=True, slots=True)
class UploadedForm:
    """A form whose file is stored."""

    artifact: artifact_pb2.Artifact
    fields: dict[str, str]


def media_type_of(request: Request) -> str:
    """Give the media type of a request's body."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_form(request: Request) -> bool:
    """Tell whether the body is a form with a file."""
    return media_type_of(request) == _MULTIPART


def is_form_upload(scope: Scope) -> bool:
    """Tell whether a request may be as large as a file."""
    return scope["method"] == "POST" and any(
        name == b"content-type" and value.lower().lstrip().startswith(_MULTIPART.encode())
        for name, value in scope["headers"]
    )


async def store_form(
    request: Request,
    context: Context,
    caller: Caller,
    *,
    file_names: Collection[str],
    fields: Collection[str],
    lists: Collection[str] = (),
) -> UploadedForm:
    """Store a form's file and read its fields, which may stand before it or behind it.

    Raises ProblemError, BabelmillError.
    """
    reader = FileFormReader(
        boundary_of(request.headers["content-type"]),
        request.stream(),
        {*fields, *lists},
        file_names=file_names,
        lists=lists,
        fields_may_follow=True,
    )
    form = await reader.head()
    header = artifact_service_pb2.UploadHeader(
        filename=form.filename or _DEFAULT_FILENAME,
        media_type=form.media_type or DEFAULT_MEDIA_TYPE,
    )
    artifact = await context.client.upload(caller, header, reader.content())
    return UploadedForm(artifact, form.fields)
