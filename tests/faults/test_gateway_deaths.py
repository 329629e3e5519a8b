"""Gateways that die while somebody waits for them."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.history import Call, Outcome
from tests.faults.house import FaultHouse
from tests.faults.service import Service
from tests.faults.table import FaultRow
from tests.faults.workloads import ClipMaker, short_texts

_BODY = {
    "spec": {
        "translate_text": {
            "text": "Good morning.",
            "source_language": "en",
            "target_languages": ["pt"],
        }
    }
}


def _http(house: FaultHouse, gateway: Service) -> httpx.Client:
    return httpx.Client(
        base_url=house.gateway_url(gateway),
        headers={"Authorization": f"Bearer {house.template.client_token}"},
        timeout=20,
    )


@pytest.mark.fault(1)
@pytest.mark.slow
def test_nothing_half_is_used_when_the_gateway_dies_in_the_middle_of_an_upload(
    house: FaultHouse, row: FaultRow, clips: ClipMaker, tmp_path: Path
) -> None:
    """I1, I7: no job, no file at the gateway; the upload goes on where it broke."""
    house.job_service()
    gateway = house.gateway(files=tmp_path)
    house.media_worker()
    content = clips(seconds=20, size="1280x720").read_bytes()
    artifact_id = str(uuid.uuid4())

    def half_then_death() -> Iterator[bytes]:
        half = len(content) // 2
        for start in range(0, half, 64 * 1024):
            yield content[start : min(start + 64 * 1024, half)]
        gateway.kill()
        yield content[half:]

    url = f"/v1/artifacts/{artifact_id}"
    with _http(house, gateway) as http, pytest.raises(httpx.TransportError):
        http.put(url, params={"filename": "clip.mkv"}, content=half_then_death())
    killed_at = time.monotonic()
    assert not list(tmp_path.iterdir()), "the gateway has left files"
    assert house.sql("SELECT count(*) FROM jobs") == [(0,)]
    assert house.sql("SELECT state FROM artifacts") != [("READY",)]

    gateway.restart()
    house.wait_for_gateway(gateway)
    with _http(house, gateway) as http:
        there = int(http.head(url).headers["Upload-Offset"])
        assert 0 < there < len(content)
        answer = http.put(url, params={"offset": there}, content=content[there:])
        assert answer.status_code == 200, answer.text
        row.recovered(time.monotonic() - killed_at)
        body = {"spec": {"transcode": {"artifact_id": artifact_id, "preset": "mp3"}}}
        answer = http.post("/v1/jobs", json={**body, "request_id": "after-upload"})
        assert answer.status_code == 201, answer.text
    house.history.add(_created("after-upload", Outcome.OK, answer.json()["job_id"]))
    house.wait_for_state(answer.json()["job_id"], "COMPLETED")
    row.note(f"resumed at {100 * there / len(content):.0f} %")
    row.judge(house)


@pytest.mark.fault(2)
@pytest.mark.parametrize(
    "place",
    [
        pytest.param("gateway.create.before_call", marks=pytest.mark.slow),
        "gateway.create.after_call",
    ],
)
def test_one_job_is_made_when_the_gateway_dies_before_its_reply(
    house: FaultHouse, row: FaultRow, place: str
) -> None:
    """I7: the client repeats its request with the same key."""
    house.job_service()
    gateway = house.gateway(failpoint=f"{place}:kill")
    house.translation_worker()
    house.client().submit_many(short_texts(2))
    body = {**_BODY, "request_id": "same-key"}
    with _http(house, gateway) as http, pytest.raises(httpx.TransportError):
        http.post("/v1/jobs", json=body)
    house.history.add(_created("same-key", Outcome.INDETERMINATE))
    gateway.wait()
    killed_at = time.monotonic()
    made = house.sql("SELECT count(*) FROM jobs WHERE request_id = 'same-key'")
    assert made == [(int(place.endswith("after_call")),)]
    gateway.restart()
    house.wait_for_gateway(gateway)
    with _http(house, gateway) as http:
        answer = http.post("/v1/jobs", json=body)
    row.recovered(time.monotonic() - killed_at)
    # 200 says that the key had made the job before, 201 that it was made now.
    assert answer.status_code == (200 if made == [(1,)] else 201)
    job_id = answer.json()["job_id"]
    house.history.add(_created("same-key", Outcome.OK, job_id))
    house.settle()
    assert house.state(job_id) == "COMPLETED"
    row.note("one job for the key")
    row.judge(house)


def _created(key: str, outcome: Outcome, job_id: str = "") -> Call:
    now = time.monotonic()
    return Call("create", key, now, now, outcome, job_id=job_id)
