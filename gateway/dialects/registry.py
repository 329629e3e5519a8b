"""The dialects' routes, and which of their requests carry files."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from starlette.types import Scope

from gateway.dialects import (
    django,
    media,
    messages,
    pdf,
    queue_figures,
    record_socket,
    records,
)
from gateway.dialects.options import Dialect, DialectOptions
from gateway.dialects.uploads import is_form_upload

_ROUTERS: Mapping[Dialect, Sequence[APIRouter]] = {
    Dialect.DJANGO: (django.router,),
    Dialect.MESSAGES: (messages.router, queue_figures.router),
    Dialect.PDF: (pdf.router,),
    Dialect.RECORDS: (records.router, record_socket.router),
    Dialect.MEDIA: (media.router,),
}
_UPLOADS: Mapping[Dialect, str] = {
    Dialect.DJANGO: "/jobs/",
    Dialect.PDF: "/api/v1/upload",
    Dialect.MEDIA: "/api/v1/submit_job",
}


def routers_of(options: DialectOptions) -> list[APIRouter]:
    """Give the routes of the dialects that are spoken."""
    return [
        router for dialect in Dialect if dialect in options.spoken for router in _ROUTERS[dialect]
    ]


def is_upload(options: DialectOptions, scope: Scope) -> bool:
    """Tell whether a request to a dialect may be as large as a file."""
    return any(
        dialect in options.spoken and scope["path"] == path for dialect, path in _UPLOADS.items()
    ) and is_form_upload(scope)


def tags_of(options: DialectOptions) -> list[dict[str, str]]:
    """Describe the dialects that are spoken."""
    return [
        {"name": f"dialect: {dialect.value}", "description": "See docs/dialects.md."}
        for dialect in Dialect
        if dialect in options.spoken
    ]
