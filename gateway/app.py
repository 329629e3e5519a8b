"""The application: routes and layers put together around one job service client.

It reads no settings and opens no channel, so that a test can build it around
whatever it likes.
"""

from collections.abc import MutableMapping
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import Scope

from gateway.dialects import registry
from gateway.dialects.options import DialectOptions
from gateway.http import openapi
from gateway.http.limits import BodyLimits
from gateway.http.observation import QUIET_PATHS, Observation
from gateway.routes import (
    artifact_list,
    artifacts,
    catalog,
    content,
    documentation,
    events,
    glossaries,
    health,
    jobs,
    queues,
    refusals,
    sockets,
    webhooks,
)
from gateway.routes.context import Context

_DESCRIPTION = """Translate text and documents and transcode media as durable jobs.

The same jobs, reasons and limits as over gRPC. Names are those of the gRPC
contract; enum values are its words without their prefix, in lower case; times
are RFC 3339; what is unknown is null. Errors are `application/problem+json`.
Fields and parameters that do not exist are refused.
"""
_TAGS = [
    {"name": "jobs", "description": "Submit, watch, cancel, retry, and read results."},
    {"name": "artifacts", "description": "Bytes in and out."},
    {"name": "glossaries", "description": "Terms that translations keep to."},
    {"name": "webhooks", "description": "Addresses that are told of events."},
    {"name": "queues", "description": "What waits, and what gave up."},
    {"name": "catalogue", "description": "What can be asked for now."},
    {"name": "health", "description": "For whoever runs this."},
]


def create_app(context: Context, dialects: DialectOptions | None = None) -> FastAPI:
    """Assemble the application; it speaks all dialects unless told otherwise."""
    dialects = dialects or DialectOptions()
    app = FastAPI(
        title="Babelmill",
        summary="A job service that translates and transcodes, and loses nothing.",
        description=_DESCRIPTION,
        version=version("babelmill"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=[*_TAGS, *registry.tags_of(dialects)],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={
            "tracing": True,
            # It would record exceptions with their texts, which quote clients.
            "logs": False,
            "metrics": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": _is_untraced,
        },
    )
    app.state.context = context
    app.state.dialects = dialects
    routed = (
        jobs,
        events,
        artifact_list,
        artifacts,
        content,
        queues,
        glossaries,
        webhooks,
        catalog,
        health,
        documentation,
    )
    for resource in routed:
        app.include_router(resource.router)
    app.include_router(sockets.router)
    for router in registry.routers_of(dialects):
        app.include_router(router)
    documentation.mount_assets(app)
    refusals.install(app)
    openapi.install(app)

    def is_upload(scope: Scope) -> bool:
        return _is_upload(scope) or registry.is_upload(dialects, scope)

    # The last one added is the outermost.
    app.add_middleware(BodyLimits, limits=context.limits, is_upload=is_upload)
    app.add_middleware(Observation)
    return app


def _is_upload(scope: Scope) -> bool:
    return scope["method"] in ("POST", "PUT") and scope["path"].startswith("/v1/artifacts")


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:  # Any: as the framework declares it
    return scope.get("path") in QUIET_PATHS
