"""The OpenAPI description, put right where the framework's own is not.

The framework documents its own validation error; this edge answers with
problems instead, and states once what they look like. Examples are put where
readers and their tools look for them: at each parameter, body and answer.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from gateway.problem_details import Problem
from gateway.transcoding.examples import answers

_REF = "#/components/schemas/{model}"
_OWN_MODULES = "gateway."
_UNUSED = ("HTTPValidationError", "ValidationError")


# Any in this module: a JSON document.
def install(app: FastAPI) -> None:
    """Give the application its description, built once when first asked for."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # the framework's documented way


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
    )
    schemas = document["components"]["schemas"]
    for name in _UNUSED:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=_REF)
    schemas |= problem.pop("$defs", {})
    schemas["Problem"] = problem
    for name, answer in answers().items():
        if name in schemas:
            schemas[name].setdefault("examples", [answer.model_dump(mode="json")])
    for name, examples in _examples_at_models(BaseModel):
        if name in schemas:
            schemas[name]["examples"] = examples
    for operation in _operations(document):
        operation.get("responses", {}).pop("422", None)
        _give_examples(operation, schemas)
    return document


def _examples_at_models(model: type[BaseModel]) -> Iterator[tuple[str, list[Any]]]:
    """Find what stands at this edge's models: the framework drops what is null in it."""
    for each in model.__subclasses__():
        extra = each.model_config.get("json_schema_extra")
        if each.__module__.startswith(_OWN_MODULES) and isinstance(extra, dict):
            examples = extra.get("examples")
            if isinstance(examples, list):
                yield each.__name__, examples
        yield from _examples_at_models(each)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                yield operation


def _give_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        found = _examples_of(parameter["schema"], schemas)
        # Pages fill a form in with these: what need not be given stays empty there.
        if found and parameter.get("required"):
            parameter.setdefault("example", found[0])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        found = _examples_of(content["schema"], schemas)
        if found and "example" not in content:
            named = {f"example {i}": {"value": each} for i, each in enumerate(found, 1)}
            content.setdefault("examples", named)
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            found = _examples_of(content.get("schema", {}), schemas)
            if found and "examples" not in content:
                content.setdefault("example", found[0])


def _examples_of(schema: dict[str, Any], schemas: dict[str, Any]) -> list[Any]:
    """Find a schema's examples: its own, or those of what it refers to."""
    if "examples" in schema:
        found: list[Any] = schema["examples"]
        return found
    if "$ref" in schema:
        return _examples_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for choice in schema.get("anyOf", []):
        if choices := _examples_of(choice, schemas):
            return choices
    return []
