"""Documents over the HTTP edge of a real stack: upload, translate by a glossary, download."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import Stack

_PAGE = (
    "<!doctype html><html><head><title>Mill</title></head><body>"
    '<p>The old <a href="/mill">mill</a> never stops.</p><pre>make mill</pre></body></html>'
)
_JOB_SECONDS = 90.0


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as http:
        yield http


def _ended(http: httpx.Client, path: str) -> dict[str, Any]:  # Any: a JSON document
    deadline = time.monotonic() + _JOB_SECONDS
    with http.stream("GET", f"{path}/events") as stream:
        for _ in stream.iter_lines():
            assert time.monotonic() < deadline
    job: dict[str, Any] = http.get(path).json()
    return job


def test_page_is_translated_by_the_glossary_when_asked_over_http(http: httpx.Client) -> None:
    terms = [{"source": "mill", "target": "azenha", "target_language": "pt"}]
    glossary = http.post(
        "/v1/glossaries", json={"display_name": "M", "source_language": "en", "terms": terms}
    )
    assert glossary.status_code == 201, glossary.text
    uploaded = http.post("/v1/artifacts", files={"file": ("page.html", _PAGE, "text/html")})
    spec = {
        "artifact_id": uploaded.json()["artifact_id"],
        "source_language": "en",
        "target_languages": ["pt", "es"],
        "options": {"glossary_ids": [glossary.json()["glossary_id"]]},
        "twins": {"bilingual": True, "xliff": True},
    }
    created = http.post("/v1/jobs", json={"spec": {"translate_document": spec}})
    assert created.status_code == 201, created.text
    job = _ended(http, created.headers["location"])
    assert job["state"] == "completed", job["error"]
    portuguese, spanish = job["targets"]
    assert [output["filename"] for output in portuguese["outputs"]] == [
        "page.pt.html",
        "report.json",
        "page.pt.bilingual.html",
        "page.pt.segments.xlf",
    ]
    page = http.get(portuguese["outputs"][0]["content_url"])
    assert '<a href="/mill">' in page.text
    assert "azenha" in page.text
    assert "<pre>make mill</pre>" in page.text
    # A browser must not run what a client has uploaded.
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "azenha" not in http.get(spanish["outputs"][0]["content_url"]).text
    parts = [part for step in job["steps"] for part in step["parts"]]
    assert parts
    assert http.get(parts[0]["content_url"]).json()["format"] == "html"


def test_formats_are_listed_when_asked_over_http(http: httpx.Client) -> None:
    names = {each["name"] for each in http.get("/v1/formats").json()["formats"]}
    assert {"txt", "md", "html", "docx", "xlsx", "epub", "pdf", "srt", "po"} <= names


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"translate_document": {"artifact_id": "x", "target_languages": ["pt"]}}, "artifact_id"),
        ({"translate_url": {"url": "ftp://example.com", "target_languages": ["pt"]}}, "url"),
        ({"translate_records": {"records": [{"a": "b"}], "target_languages": ["pt"]}}, "fields"),
        ({"translate_url": {"url": "http://example.com", "target_languages": []}}, "languages"),
    ],
)
def test_field_is_named_when_a_spec_is_refused_over_http(
    spec: dict[str, object], field: str, http: httpx.Client
) -> None:
    refused = http.post("/v1/jobs", json={"spec": spec})
    assert refused.status_code == 400, refused.text
    assert any(field in violation["field"] for violation in refused.json()["violations"])
