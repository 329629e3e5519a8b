"""The catalogue: languages, engines, formats, presets that the workers have announced."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.routes.context import CallerOf, ContextOf, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.catalog import (
    Engines,
    Formats,
    LanguagePairs,
    Presets,
    engines_from_proto,
    formats_from_proto,
    pairs_from_proto,
    presets_from_proto,
)

router = APIRouter(prefix="/v1", tags=["catalogue"])


@router.get(
    "/languages", responses=refusals(), dependencies=[Depends(only_query("source_language"))]
)
async def list_languages(
    context: ContextOf,
    caller: CallerOf,
    source_language: Annotated[
        str, Query(description="Only pairs from this language.", max_length=64, examples=["en"])
    ] = "",
) -> LanguagePairs:
    """List the pairs that can be translated now, with the route each would take."""
    return pairs_from_proto(await context.client.list_pairs(caller, source_language))


@router.get("/engines", responses=refusals(), dependencies=[Depends(only_query())])
async def list_engines(context: ContextOf, caller: CallerOf) -> Engines:
    """List the translation engines at hand."""
    return engines_from_proto(await context.client.list_engines(caller))


@router.get("/formats", responses=refusals(), dependencies=[Depends(only_query())])
async def list_formats(context: ContextOf, caller: CallerOf) -> Formats:
    """List the formats of documents that can be translated."""
    return formats_from_proto(await context.client.list_formats(caller))


@router.get("/presets", responses=refusals(), dependencies=[Depends(only_query())])
async def list_presets(context: ContextOf, caller: CallerOf) -> Presets:
    """List the media presets at hand."""
    return presets_from_proto(await context.client.list_presets(caller))
