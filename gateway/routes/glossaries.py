"""Glossaries: a tenant's lists of terms."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from gateway.routes.context import CallerOf, ContextOf, json_only, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.glossaries import (
    CreateGlossary,
    Glossaries,
    Glossary,
    glossaries_from_proto,
    glossary_from_proto,
    glossary_to_proto,
)

router = APIRouter(prefix="/v1", tags=["glossaries"])

GlossaryId = Annotated[
    str, Path(description="A UUID.", examples=["01890a5d-ac96-774b-bcce-b302099a8057"])
]


@router.post(
    "/glossaries",
    status_code=HTTPStatus.CREATED,
    responses={
        201: {
            "description": "The glossary is kept.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The glossary."}},
        },
        **refusals(408, 413, 415),
    },
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def create_glossary(
    context: ContextOf, caller: CallerOf, given: CreateGlossary, response: Response
) -> Glossary:
    """Keep a glossary. Repeating it makes another."""
    glossary = await context.client.glossaries.create(caller, glossary_to_proto(given))
    response.headers["Location"] = f"/v1/glossaries/{glossary.glossary_id}"
    return glossary_from_proto(glossary)


@router.get("/glossaries", responses=refusals(), dependencies=[Depends(only_query())])
async def list_glossaries(context: ContextOf, caller: CallerOf) -> Glossaries:
    """List the tenant's glossaries by name, without their terms."""
    return glossaries_from_proto(await context.client.glossaries.list(caller))


@router.get(
    "/glossaries/{glossary_id}", responses=refusals(404), dependencies=[Depends(only_query())]
)
async def get_glossary(context: ContextOf, caller: CallerOf, glossary_id: GlossaryId) -> Glossary:
    """Get a glossary with its terms."""
    return glossary_from_proto(await context.client.glossaries.get(caller, glossary_id))


@router.delete(
    "/glossaries/{glossary_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(404),
    dependencies=[Depends(only_query())],
)
async def delete_glossary(context: ContextOf, caller: CallerOf, glossary_id: GlossaryId) -> None:
    """Remove a glossary. Jobs that were given it keep its terms."""
    await context.client.glossaries.delete(caller, glossary_id)
