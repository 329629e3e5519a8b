"""Uploaded files as sources of jobs: by their artifact id, or by their name."""

from http import HTTPStatus
from uuid import UUID

from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import artifact_pb2, artifact_service_pb2
from gateway.dialects.jobs import invalid
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.routes.context import Context

_LOOKED_AT = 50


async def source_artifact(context: Context, caller: Caller, name: str, field: str) -> str:
    """Find the uploaded file that a client names: of several of one name, the newest whole one.

    Raises ProblemError 404 if there is none, and 400 if none can be called so; BabelmillError.
    """
    try:
        return (await context.client.get_artifact(caller, str(UUID(name)))).artifact_id
    except ValueError:
        pass
    request = artifact_service_pb2.ListArtifactsRequest(filename=name, page_size=_LOOKED_AT)
    try:
        page = await context.client.list_artifacts(caller, request)
    except InvalidArgument:
        raise invalid(field, "is neither an artifact id nor a file's name") from None
    for artifact in page.artifacts:
        if artifact.state == artifact_pb2.ARTIFACT_STATE_READY:
            return artifact.artifact_id
    raise ProblemError(
        HTTPStatus.NOT_FOUND,
        "ARTIFACT_NOT_FOUND",
        "There is no uploaded file of this name; upload it first.",
    )
