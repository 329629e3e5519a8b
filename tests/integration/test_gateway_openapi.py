"""The API's description and its pages: complete, valid, and from this host alone."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from tests.integration.dialect_operations import DIALECT_OPERATIONS
from tests.integration.gateway_edge import running_edge
from tests.integration.gateway_peer import running_peer

OPERATIONS = {
    ("post", "/v1/artifacts"),
    ("put", "/v1/artifacts/{artifact_id}"),
    ("get", "/v1/artifacts/{artifact_id}"),
    ("head", "/v1/artifacts/{artifact_id}"),
    ("get", "/v1/artifacts/{artifact_id}/content"),
    ("head", "/v1/artifacts/{artifact_id}/content"),
    ("post", "/v1/jobs"),
    ("post", "/v1/jobs:batch"),
    ("get", "/v1/jobs"),
    ("get", "/v1/jobs/{job_id}"),
    ("post", "/v1/jobs/{job_id}/cancel"),
    ("post", "/v1/jobs/{job_id}/retry"),
    ("delete", "/v1/jobs/{job_id}"),
    ("get", "/v1/jobs/{job_id}/result"),
    ("get", "/v1/jobs/{job_id}/events"),
    ("get", "/v1/jobs/{job_id}/events:list"),
    ("get", "/v1/queues"),
    ("get", "/v1/dead-letters"),
    ("post", "/v1/dead-letters:replay"),
    ("get", "/v1/languages"),
    ("get", "/v1/engines"),
    ("get", "/v1/formats"),
    ("get", "/v1/presets"),
    ("post", "/v1/glossaries"),
    ("get", "/v1/glossaries"),
    ("get", "/v1/glossaries/{glossary_id}"),
    ("delete", "/v1/glossaries/{glossary_id}"),
    ("post", "/v1/webhooks"),
    ("get", "/v1/webhooks"),
    ("get", "/v1/webhooks/{webhook_id}"),
    ("delete", "/v1/webhooks/{webhook_id}"),
    ("post", "/v1/webhooks/{webhook_id}/enable"),
    ("post", "/v1/webhooks/{webhook_id}/disable"),
    ("post", "/v1/webhooks/{webhook_id}/rotate-secret"),
    ("post", "/v1/webhooks/{webhook_id}/ping"),
    ("get", "/v1/webhooks/{webhook_id}/deliveries"),
    ("post", "/v1/webhooks/{webhook_id}/redeliver"),
    ("post", "/v1/webhooks/{webhook_id}/recover"),
    ("get", "/v1/artifacts"),
    ("get", "/v1/jobs/{job_id}/ws"),
    ("get", "/healthz"),
    ("get", "/readyz"),
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_peer() as peer,
        running_edge(peer.address) as edge,
        edge.client(token=None) as client,
    ):
        yield client


async def test_description_is_valid_and_whole_when_read(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    validate(document)
    described = {
        (method, path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert set(described) == OPERATIONS | DIALECT_OPERATIONS
    assert "422" not in repr(document)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["components"]["schemas"]["CreateJob"]["examples"]
    identifiers = [operation["operationId"] for operation in described.values()]
    assert len(set(identifiers)) == len(identifiers)
    for (method, path), operation in described.items():
        assert operation["summary"], path
        assert operation["description"], path
        if path.startswith("/v1"):
            check_operation(operation, f"{method} {path}")
        check_examples(operation, document, f"{method} {path}")


async def test_content_is_described_as_of_any_type(http: httpx.AsyncClient) -> None:
    """It has the type that whoever made the artifact gave it."""
    document = (await http.get("/openapi.json")).json()
    answers = document["paths"]["/v1/artifacts/{artifact_id}/content"]["get"]["responses"]
    assert [list(answers[status]["content"]) for status in ("200", "206")] == [["*/*"]] * 2


def check_operation(operation: dict[str, Any], name: str) -> None:
    assert operation["security"] == [{"bearer": []}], name
    for status in ("400", "401", "403", "429", "500", "503", "504"):
        content = operation["responses"][status]["content"]
        assert content["application/problem+json"]["schema"] == {
            "$ref": "#/components/schemas/Problem"
        }, name
    for parameter in operation.get("parameters", []):
        assert parameter.get("description") or parameter["name"].startswith("if-"), (
            name,
            parameter,
        )


def check_examples(operation: dict[str, Any], document: dict[str, Any], name: str) -> None:
    """Every body has an example, and each is what its schema says."""
    bodies = [
        content
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for media_type, content in part.get("content", {}).items()
        if media_type.endswith("json")
    ]
    for content in bodies:
        examples = [each["value"] for each in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        assert examples, f"{name} has a body without an example: give its model one"
        schema = content["schema"] | {"components": document["components"]}
        for example in examples:
            OAS31Validator(schema).validate(example)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_page_loads_from_this_host_alone_when_shown(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path)
    assert page.status_code == 200
    assert "//" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    scripts = [source for source in sources if not source.startswith("data:")]
    assert len(scripts) >= 2
    for source in scripts:
        asset = await http.get(source)
        assert asset.status_code == 200, source
        assert len(asset.content) > 50
        assert asset.headers["content-type"].split(";")[0] in ("text/javascript", "text/css")


@pytest.mark.parametrize("path", ["/docs/assets/../../main.py", "/docs/assets/%2e%2e/core.py"])
async def test_nothing_else_is_served_when_path_leaves_assets(
    http: httpx.AsyncClient, path: str
) -> None:
    response = await http.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
