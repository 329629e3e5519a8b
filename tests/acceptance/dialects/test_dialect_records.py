"""The records dialect, whole: its curl line, records of all origins, batches and notices."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import connect

from tests.acceptance.dialects.conftest import Edge, ended

CREATE = """curl -X POST http://localhost:8000/api/v1/translation-jobs \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer $TOKEN" \\
  -d '{
    "novel_id": "{novel_id}",
    "target_lang": "en"
  }'
"""
JOBS = "/api/v1/translation-jobs"
CHAPTER = {
    "id": 7,
    "title": "O moinho",
    "description": "O moinho é velho.",
    "content": "O moleiro abre a porta.",
}


@pytest.fixture
def http(edge: Edge) -> Iterator[httpx.Client]:
    with edge.client(f"Bearer {edge.stack.token}") as http:
        yield http


def put(http: httpx.Client, novel_id: str, document: object) -> None:
    stored = http.put(
        f"/v1/artifacts/{novel_id}",
        content=json.dumps(document).encode(),
        headers={"content-type": "application/json"},
    )
    assert stored.status_code == 200, stored.text


@pytest.mark.row("S3.1")
def test_novel_is_translated_when_the_curl_line_is_run(edge: Edge, http: httpx.Client) -> None:
    novel_id = str(uuid4())
    put(http, novel_id, {"records": [CHAPTER]})
    status, created = edge.curl(CREATE, novel_id=novel_id)
    assert status == 201, created
    assert created["status"] == "PENDING"
    assert created["novel_id"] == novel_id
    # It was saved with its subtasks.
    assert created["subtasks"]

    done = ended(http, f"{JOBS}/{created['id']}", "COMPLETED", "FAILED")
    assert done["status"] == "COMPLETED", done
    assert {each["status"] for each in done["subtasks"]} == {"COMPLETED"}
    assert {each["progress"] for each in done["subtasks"]} == {100}
    result = http.get(f"{JOBS}/{created['id']}/result").json()
    (record,) = result["records"]
    assert record["id"] == 7
    assert "mill" in record["title"].lower()
    assert "door" in record["content"].lower()
    assert result["entities"] is not None


@pytest.mark.row("S3.1")
def test_only_the_chosen_fields_change_when_a_worker_message_is_sent(http: httpx.Client) -> None:
    created = http.post(
        JOBS,
        json={
            "job_id": "job-1",
            "records": [
                {"title": "The mill", "content": "The door.\n```\nthe door\n```\n", "n": 3}
            ],
            "source_lang": "en",
            "target_lang": "pt",
            "output_dir": "outputs/novel_jobs",
            "target_fields": ["content"],
            "enable_code_filter": True,
        },
    )
    assert created.status_code == 201, created.text
    done = ended(http, f"{JOBS}/{created.json()['id']}", "COMPLETED", "FAILED")
    assert done["status"] == "COMPLETED", done
    result = http.get(f"{JOBS}/{done['id']}/result").json()
    (record,) = result["records"]
    assert (record["title"], record["n"]) == ("The mill", 3)
    assert "porta" in record["content"]
    assert "```\nthe door\n```" in record["content"]
    assert result["files"][0].startswith("outputs/novel_jobs")


@pytest.mark.row("S3.3")
def test_batch_is_accepted_as_a_whole_when_published(http: httpx.Client) -> None:
    one = {"title": "The mill", "source_lang": "en", "target_lang": "pt"}
    named = [{**one, "job_id": f"{uuid4()}"} for _ in range(3)]
    created = http.post(f"{JOBS}/batch", json={"jobs": named})
    assert created.status_code == 201, created.text
    ids = [each["id"] for each in created.json()["jobs"]]
    assert len(set(ids)) == 3
    # The same message again is the same job.
    again = http.post(f"{JOBS}/batch", json={"jobs": named}).json()
    assert [each["id"] for each in again["jobs"]] == ids
    listed = http.get(JOBS, params={"page_size": 100}).json()["jobs"]
    assert set(ids) <= {each["id"] for each in listed}
    refused = http.post(f"{JOBS}/batch", json={"jobs": [one, {**one, "target_lang": "xx"}]})
    assert refused.status_code == 400
    assert refused.json()["violations"][0]["field"] == "jobs[1].target_lang"
    assert http.get(f"{JOBS}/queue").json()["length"] >= 0
    assert http.get(f"{JOBS}/health").json() == {"status": "ok"}
    for each in ids:
        assert ended(http, f"{JOBS}/{each}", "COMPLETED", "FAILED")["status"] == "COMPLETED"


@pytest.mark.row("S3.8")
def test_progress_is_notified_when_a_client_listens(edge: Edge, http: httpx.Client) -> None:
    records = [{"title": f"The mill number {number} is old."} for number in range(300)]
    body = {"records": records, "source_lang": "en", "target_lang": "pt"}
    created = http.post(JOBS, json=body).json()
    url = edge.stack.http.replace("http://", "ws://") + f"{JOBS}/{created['id']}/ws"
    headers = {"authorization": f"Bearer {edge.stack.token}"}
    with connect(url, additional_headers=headers) as socket:
        notices: list[dict[str, Any]] = [json.loads(each) for each in socket]
    assert notices[0]["type"] == "job"
    assert notices[-1] == {
        "type": "end",
        "job_id": created["id"],
        "sequence": notices[-1]["sequence"],
    }
    states = [each["status"] for each in notices if each["type"] == "status"]
    assert states[-1] == "COMPLETED"
    assert {each["subtask"] for each in notices if each["type"] == "subtask"}
    percents = [each["progress"] for each in notices if each["type"] == "progress"]
    assert percents == sorted(percents)
    after = notices[-1]["sequence"] - 1
    with connect(f"{url}?after_sequence={after}", additional_headers=headers) as socket:
        rest = [json.loads(each)["type"] for each in socket]
    assert rest == ["status", "end"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"novel_id": "some-uuid"}, "novel_id"),
        ({}, "records"),
        ({"title": "The mill", "target_fields": ["summary"]}, None),
        ({"title": "The mill", "output_dir": "../../etc"}, "output_dir"),
        ({"title": "The mill", "source_lang": "!"}, "source_lang"),
    ],
)
def test_job_is_refused_when_there_is_nothing_to_translate(
    http: httpx.Client, body: dict[str, object], field: str | None
) -> None:
    refused = http.post(JOBS, json={"target_lang": "pt", **body})
    assert refused.status_code == 400, refused.text
    fields = {each["field"] for each in refused.json()["violations"]}
    assert field is None or field in fields, refused.text


def test_novel_is_refused_when_its_file_is_not_records(http: httpx.Client) -> None:
    documents: tuple[object, ...] = ("text", [1, 2], 5, [[]])
    for document in documents:
        novel_id = str(uuid4())
        put(http, novel_id, document)
        refused = http.post(JOBS, json={"novel_id": novel_id, "target_lang": "en"})
        assert refused.status_code == 400, refused.text
