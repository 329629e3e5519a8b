"""Uploads in a list: newest first, all of them or those of one name."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from babelmill.jobs.v1 import artifact_service_pb2
from gateway.routes.context import CallerOf, ContextOf, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.artifacts import Artifact, artifact_from_proto

router = APIRouter(prefix="/v1", tags=["artifacts"])


class ArtifactPage(BaseModel):
    """A page of uploads, newest first."""

    artifacts: list[Artifact]
    next_page_token: str | None = Field(description="Null on the last page.")


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
    return ArtifactPage(
        artifacts=[artifact_from_proto(each) for each in page.artifacts],
        next_page_token=page.next_page_token or None,
    )
