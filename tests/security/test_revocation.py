"""A token that was revoked ends what was opened with it, over gRPC, SSE and WebSocket."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from babelmill.client import Client
from babelmill.client.errors import Unauthenticated
from job_service.application.tokens import Tokens
from job_service.domain.principal import Role
from job_service.storage.engine import open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory
from tests.security.doors import DEADLINE_SECONDS, Doors

# Thirty seconds of memory would be thirty seconds of waiting.
ENVIRONMENT = {"BABELMILL_TOKEN_MEMORY_SECONDS": "0.5"}


@contextmanager
def tokens_of(doors: Doors) -> Iterator[Tokens]:
    database = open_database(doors.database_url, 1)
    yield Tokens(units=SqlUnitOfWorkFactory(database))
    database.close()


def watch(doors: Doors, token: str, job_id: str, opened: Callable[[], object]) -> str:
    with Client(doors.grpc_address, token) as client:
        try:
            with client.watch_job(job_id) as updates:
                for _ in updates:
                    opened()
        except Unauthenticated as refused:
            return refused.reason
    return "it ended well"


def read_events(doors: Doors, token: str, job_id: str, opened: Callable[[], object]) -> str:
    told = ""
    with doors.http(token) as http, http.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
        for line in stream.iter_lines():
            opened()
            told += line
    return told


def read_socket(doors: Doors, token: str, job_id: str, opened: Callable[[], object]) -> str:
    address = f"{doors.url.replace('http', 'ws', 1)}/v1/jobs/{job_id}/ws"
    told = ""
    header = {"Authorization": f"Bearer {token}"}
    with connect(address, additional_headers=header) as websocket:
        try:
            while True:
                told += str(websocket.recv(timeout=DEADLINE_SECONDS))
                opened()
        except ConnectionClosed:
            return told


@pytest.mark.matrix(23)
def test_every_kind_of_open_stream_ends_when_its_token_is_revoked(doors: Doors) -> None:
    with Client(doors.grpc_address, doors.token) as owner, tokens_of(doors) as tokens:
        job_id = owner.translate_text("Hello.", "en", ["pt"]).job_id
        tenant = tokens.authenticate(doors.token).tenant_id
        token = tokens.create_token(tenant, Role.CLIENT)
        kinds = (watch, read_events, read_socket)
        with ThreadPoolExecutor(len(kinds)) as pool:
            running: list[Future[str]] = []
            for kind in kinds:
                opened = threading.Event()
                running.append(pool.submit(kind, doors, token, job_id, opened.set))
                assert opened.wait(DEADLINE_SECONDS), kind
            tokens.revoke_token(tokens.authenticate(token).token_id)
            for kind, ending in zip(kinds, running, strict=True):
                assert "UNAUTHENTICATED" in ending.result(DEADLINE_SECONDS), kind
        # What others opened is not touched.
        assert owner.get_job(job_id).job_id == job_id
