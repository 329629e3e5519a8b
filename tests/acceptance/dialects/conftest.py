"""One stack whose gateway lets clients of the older systems in as they are."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx
import pytest

from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, run_stack, stack_environment
from tests.collector import Collector
from tests.deadlines import eventually
from tests.engine_stubs.chat_stub import ChatStub

Part: TypeAlias = tuple[str, tuple[str | None, bytes | str] | tuple[str | None, bytes | str, str]]
"""A part of a form, as httpx takes it: in the order that it is sent in."""

_WITH_STATUS = "curl() { command curl -sS -w '\\n%{http_code}' \"$@\"; }\n"
_JOB_SECONDS = 90


@dataclass(frozen=True)
class Edge:
    """The stack, and the chat model that its workers may ask."""

    stack: Stack
    chat: ChatStub

    def curl(self, line: str, **placeholders: str) -> tuple[int, Any]:  # Any: a JSON document
        """Run a line as its document has it, but for the address and what stands in braces."""
        line = line.replace("http://localhost:8000", self.stack.http)
        for name, value in placeholders.items():
            line = line.replace(f"{{{name}}}", value)
        done = subprocess.run(
            ["bash", "-c", _WITH_STATUS + line],
            env={**self.stack.environment(), "TOKEN": self.stack.token},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body) if body[:1] in "[{" else body

    def client(self, authorization: str = "") -> httpx.Client:
        """A small client of an older system; without credentials unless they are given."""
        headers = {"authorization": authorization} if authorization else {}
        return httpx.Client(base_url=self.stack.http, headers=headers, timeout=60)


def ended(http: httpx.Client, path: str, *words: str) -> Any:  # Any: a JSON document
    """Poll as the older clients do, until the status is one of these words."""

    def probe() -> Any:
        answer = http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.json()["status"] in words else None

    return eventually(probe, timeout_seconds=_JOB_SECONDS, interval_seconds=0.1)


@pytest.fixture(scope="package")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    home = tmp_path_factory.mktemp("edge")
    collector = Collector()
    with ChatStub() as chat:
        environment = stack_environment(
            home,
            BABELMILL_OTLP_ENDPOINT=collector.endpoint,
            BABELMILL_CHAT_HOSTS=f"127.0.0.1:{chat.port}",
            BABELMILL_FETCH_HOSTS="localhost",
            BABELMILL_GATEWAY_CHAT_BASE_URL=chat.base_url,
            BABELMILL_GATEWAY_GUEST_TOKEN_FILE=str(home / "client.token"),
        )
        started = run_stack("up", environment)
        try:
            assert started.returncode == 0, started.stdout + started.stderr
            yield Edge(Stack(home, read_environment(home)), chat)
        finally:
            stopped = run_stack("down", environment)
            collector.stop()
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
