"""Health: is this process alive, and can it do its work. Neither needs a token."""

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from gateway.problem_details import ProblemError
from gateway.routes.context import ContextOf
from gateway.routes.refusals import refusals

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`ok`, always: anything else is a problem."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = "ok"


@router.get("/healthz")
async def alive() -> Health:
    """Tell that this process answers."""
    return Health()


@router.get("/readyz", responses=refusals(with_token=False))
async def ready(context: ContextOf) -> Health:
    """Tell that the job service can be reached and serves."""
    if context.stopping.is_set() or not await context.client.is_serving():
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "The job service cannot be reached.",
            headers={"Retry-After": "1"},
        )
    return Health()
