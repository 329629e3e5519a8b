"""Uploads in a list: newest first, all of them or those of one name."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from babelmill.jobs.v1 import artifact_service_pb2
from gateway.routes.context import CallerOf, ContextOf, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.artifacts import ArtifactPage, artifact_page_from_proto

router = APIRouter(prefix="/v1", tags=["artifacts"])


@router.get(
    "/artifacts",
    responses=refusals(),
    dependencies=[Depends(only_query("page_size", "page_token", "filename"))],
)
async def list_artifacts(
    context: ContextOf,
    caller: CallerOf,
    page_size: Annotated[int, Query(description="1 to 500; 0 means 50.", ge=0, le=500)] = 0,
    page_token: Annotated[str, Query(description="From the page before.", max_length=4096)] = "",
    filename: Annotated[
        str, Query(description="Only uploads of exactly this name.", max_length=1024)
    ] = "",
) -> ArtifactPage:
    """List what was uploaded and is kept; outputs of jobs are in the jobs."""
    page = await context.client.list_artifacts(
        caller,
        artifact_service_pb2.ListArtifactsRequest(
            page_size=page_size, page_token=page_token, filename=filename
        ),
    )
    return artifact_page_from_proto(page)
