"""JSON bodies of routes that also take forms, and are therefore read by hand."""

from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from gateway.routes.context import json_only

M = TypeVar("M", bound=BaseModel)


async def json_body(request: Request, model: type[M]) -> M:
    """Read the body. Raises ProblemError 415, RequestValidationError."""
    json_only(request)
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise refusal_of(error) from None


def refusal_of(error: ValidationError) -> RequestValidationError:
    """Make of it what the framework makes of a body that it has read itself."""
    entries = error.errors(include_url=False, include_input=False, include_context=False)
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in entries])
