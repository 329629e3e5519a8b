"""WebSockets of a real stack: every event once, resumed after a break, closed with a reason."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.acceptance.conftest import Stack

SENTENCE = "The wheel of the mill turns day and night. "
FACTS = {"job_state", "step_state", "target"}


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as http:
        yield http


def text_job(http: httpx.Client, text: str) -> str:
    spec = {"text": text, "source_language": "en", "target_languages": ["pt"]}
    created = http.post("/v1/jobs", json={"spec": {"translate_text": spec}})
    assert created.status_code == 201, created.text
    return str(created.json()["job_id"])


def address(stack: Stack, path: str) -> str:
    return stack.http.replace("http://", "ws://") + path


def bearer(stack: Stack) -> dict[str, str]:
    return {"authorization": f"Bearer {stack.token}"}


def frames(socket: Any) -> Iterator[dict[str, Any]]:  # Any: JSON documents
    for frame in socket:
        yield json.loads(frame)


def read_all(socket: Any) -> None:
    while True:
        socket.recv(timeout=30)


def test_every_event_comes_once_when_a_socket_is_resumed(stack: Stack, http: httpx.Client) -> None:
    path = f"/v1/jobs/{text_job(http, SENTENCE * 200)}/ws"
    seen: list[int] = []
    with connect(
        address(stack, f"{path}?after_sequence=0"), additional_headers=bearer(stack)
    ) as socket:
        for frame in frames(socket):
            if frame["event"] in FACTS:
                seen.append(frame["id"])
            if len(seen) == 2:
                break
    # As a browser does it, which cannot send the header.
    with connect(
        address(stack, f"{path}?after_sequence={seen[-1]}"),
        subprotocols=["babelmill.v1", f"babelmill.token.{stack.token}"],  # type: ignore[list-item]  # a NewType
    ) as socket:
        assert socket.subprotocol == "babelmill.v1"
        received = list(frames(socket))
        assert socket.close_code == 1000

    seen += [frame["id"] for frame in received if frame["event"] in FACTS]
    assert seen == list(range(1, len(seen) + 1))
    assert received[-1]["event"] == "end"
    assert received[-2]["data"]["state"] == "completed"


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057/ws", 404, "JOB_NOT_FOUND"),
        ("/v1/jobs/nothing/ws", 400, "INVALID_REQUEST"),
        ("/v1/jobs/{job_id}/ws?after_sequence=-1", 400, "INVALID_REQUEST"),
        ("/v1/jobs/{job_id}/ws?after_sequence=99999", 400, "SEQUENCE_BEYOND_END"),
        ("/v1/jobs/{job_id}/ws?token=x", 400, "INVALID_REQUEST"),
        ("/api/v1/translation-jobs/{job_id}/ws", 404, "JOB_NOT_FOUND"),
    ],
)
def test_handshake_is_refused_as_a_problem_when_the_request_is_wrong(
    stack: Stack, http: httpx.Client, path: str, status: int, reason: str
) -> None:
    job_id = text_job(http, "The mill.") if "{" in path else ""
    with pytest.raises(InvalidStatus) as refused:
        connect(address(stack, path.replace("{job_id}", job_id)), additional_headers=bearer(stack))
    response = refused.value.response
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.body or b"")["reason"] == reason


def test_handshake_is_refused_when_the_token_is_missing_wrong_or_anothers(
    stack: Stack, http: httpx.Client, stranger_token: str
) -> None:
    url = address(stack, f"/v1/jobs/{text_job(http, 'The mill.')}/ws")
    for token, status in (("", 401), ("wrong", 401), (stranger_token, 404)):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with pytest.raises(InvalidStatus) as refused:
            connect(url, additional_headers=headers)
        assert refused.value.response.status_code == status


def test_socket_is_closed_when_the_client_sends_too_much(stack: Stack, http: httpx.Client) -> None:
    path = f"/v1/jobs/{text_job(http, SENTENCE * 500)}/ws"
    with connect(address(stack, path), additional_headers=bearer(stack)) as socket:
        socket.send("x" * 5000)
        with pytest.raises(ConnectionClosed):
            read_all(socket)
        assert socket.close_code == 1009


def test_plain_request_is_told_to_upgrade_when_it_asks_for_a_socket(http: httpx.Client) -> None:
    plain = http.get("/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057/ws")
    assert plain.status_code == 426
    assert plain.headers["upgrade"] == "websocket"
