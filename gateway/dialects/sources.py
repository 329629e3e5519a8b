"""Uploaded files as sources of jobs: by their artifact id."""

from http import HTTPStatus
from uuid import UUID

from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.routes.context import Context


async def source_artifact(context: Context, caller: Caller, name: str) -> str:
    """Find the uploaded file that a client names. Raises ProblemError 404."""
    try:
        return (await context.client.get_artifact(caller, str(UUID(name)))).artifact_id
    except ValueError:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "ARTIFACT_NOT_FOUND",
            "There is no uploaded file of this name; upload it first.",
        ) from None
