"""Queues and dead letters: what waits, and what gave up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from gateway.routes.context import CallerOf, ContextOf, json_only, only_query
from gateway.routes.refusals import refusals
from gateway.transcoding.queues import (
    DeadLetterPage,
    Queues,
    ReplayDeadLetters,
    Replays,
    dead_letters_from_proto,
    queues_from_proto,
    replays_from_proto,
)

router = APIRouter(prefix="/v1", tags=["queues"])


@router.get("/queues", responses=refusals(), dependencies=[Depends(only_query())])
async def list_queues(context: ContextOf, caller: CallerOf) -> Queues:
    """List the queues, counted over the caller's tenant; for an operator, over all."""
    return queues_from_proto(await context.client.list_queues(caller))


@router.get(
    "/dead-letters",
    responses=refusals(),
    dependencies=[Depends(only_query("page_size", "page_token"))],
)
async def list_dead_letters(
    context: ContextOf,
    caller: CallerOf,
    page_size: Annotated[int, Query(description="1 to 500; 0 means 50.", ge=0, le=500)] = 0,
    page_token: Annotated[str, Query(description="From the page before.", max_length=4096)] = "",
) -> DeadLetterPage:
    """List the jobs that ran out of their retry budget, newest first."""
    return dead_letters_from_proto(
        await context.client.list_dead_letters(caller, page_size, page_token)
    )


@router.post(
    "/dead-letters:replay",
    responses=refusals(404, 408, 409, 413, 415),
    dependencies=[Depends(json_only), Depends(only_query())],
)
async def replay_dead_letters(
    context: ContextOf, caller: CallerOf, given: ReplayDeadLetters
) -> Replays:
    """Make a new job from each dead letter, all or none.

    Repeating it is safe: one whose replay has not itself become a dead letter
    is not replayed again, and that replay is returned. 409 with reason
    `NOT_A_DEAD_LETTER` when a job ended in another way.
    """
    return replays_from_proto(await context.client.replay_dead_letters(caller, given.job_ids))
