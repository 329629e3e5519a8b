"""The PDF dialect, whole: a document goes in, its stages are told, and it comes back."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pypdfium2  # type: ignore[import-untyped] # published without types
import pytest
from reportlab.pdfgen import canvas  # type: ignore[import-untyped] # published without types

from tests.acceptance.dialects.conftest import Edge, Part
from tests.deadlines import eventually

STAGES = ["PENDING", "EXTRACTING", "TRANSLATING", "CUSTOMIZING_TONE", "RECONSTRUCTING", "COMPLETED"]


@pytest.fixture
def http(edge: Edge) -> Iterator[httpx.Client]:
    with edge.client() as http:
        yield http


def draw(path: Path) -> None:
    page = canvas.Canvas(str(path))
    for number in range(6):
        page.drawString(72, 720, "Chapter on the mill")
        for line in range(20):
            page.drawString(72, 680 - 24 * line, f"The miller opens door number {number + line}.")
        page.showPage()
    page.save()


@pytest.mark.row("S2.1", "S2.2")
def test_document_comes_back_translated_when_it_is_uploaded(
    edge: Edge, http: httpx.Client, tmp_path: Path
) -> None:
    draw(tmp_path / "page.pdf")
    status, created = edge.curl(
        "curl -F file=@{file} -F source_language=en -F target_language=pt -F tone=formal "
        "http://localhost:8000/api/v1/upload",
        file=str(tmp_path / "page.pdf"),
    )
    assert status == 200, created
    assert created["status"] == "PENDING"
    assert created["filename"] == "page.pdf"
    seen: list[dict[str, object]] = []

    def ended() -> dict[str, object] | None:
        told = http.get(f"/api/v1/status/{created['job_id']}").json()
        seen.append(told)
        return told if told["status"] in {"COMPLETED", "FAILED"} else None

    done = eventually(ended, timeout_seconds=90)
    assert done["status"] == "COMPLETED", done
    order = [STAGES.index(str(each["status"])) for each in seen]
    assert order == sorted(order)
    # Some stages are over between two looks, but never nearly all of them.
    assert len(set(order)) >= 3
    percents = [int(str(each["progress"])) for each in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    for each in seen:
        assert each["stage"] == each["status"]
        assert (each["eta"] is None) == (each["eta_seconds"] is None)
        if each["eta"] is not None:
            assert datetime.fromisoformat(str(each["eta"])).tzinfo is not None
    assert done["eta"] is None
    assert done["completed_at"] is not None

    urls = done["download_urls"]
    assert isinstance(urls, dict)
    made = http.get(urls["pt"])
    assert made.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(made.content) as document:
        assert len(document) == 6
        text = document[0].get_textpage().get_text_range()
    assert "porta" in text
    assert "Chapter on" not in text


def test_fields_are_taken_when_they_stand_behind_the_file(http: httpx.Client) -> None:
    form: list[Part] = [
        ("file", ("mill.md", b"# The mill\n\nIt is old.\n", "text/markdown")),
        ("source_language", (None, "en")),
        ("target_languages", (None, "pt,es")),
        ("priority", (None, "urgent")),
    ]
    created = http.post("/api/v1/upload", files=form)
    assert created.status_code == 200, created.text
    assert created.json()["target_languages"] == ["pt", "es"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "target_language"),
        ({"target_language": "pt", "tone": "rude"}, "tone"),
        ({"target_language": "!!"}, "target_language"),
        ({"target_language": "pt", "priority": "high"}, "priority"),
    ],
)
def test_upload_is_refused_when_a_field_is_wrong(
    http: httpx.Client, fields: dict[str, str], field: str
) -> None:
    refused = http.post("/api/v1/upload", files={"file": ("a.txt", b"The mill.")}, data=fields)
    assert refused.status_code == 400, refused.text
    assert any(each["field"].startswith(field) for each in refused.json()["violations"])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"json": {"file": "a"}}, 415),
        ({"data": {"target_language": "pt"}}, 415),
        ({"files": {"document": ("a.txt", b"x")}}, 400),
        ({"files": {"file": ("a.txt", b"x")}, "data": {"target": "pt"}}, 400),
        ({"files": [("file", ("a.txt", b"x")), ("file", ("b.txt", b"y"))]}, 400),
    ],
)
def test_upload_is_refused_when_it_is_no_form_with_one_file(
    http: httpx.Client, request_: dict[str, object], status: int
) -> None:
    refused = http.post("/api/v1/upload", **request_)  # type: ignore[arg-type]  # by name
    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
