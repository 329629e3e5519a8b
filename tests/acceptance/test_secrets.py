"""A client's key for its chat model: in use while its job runs, and in clear nowhere."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import psutil
import psycopg2
import pytest
import redis

from babelmill.client import Client, translations
from babelmill.client.errors import FailedPrecondition
from babelmill.jobs.v1 import job_pb2
from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, run_stack, stack_environment
from tests.acceptance.test_resuming import children
from tests.collector import Collector
from tests.deadlines import eventually
from tests.engine_stubs.chat_stub import ChatStub, says_the_key
from tests.engine_stubs.stub_server import Reply, Request

KEY = "sk-canary-7d0c5f3e9a1b4826"
_KEPT_ALIVE_SECONDS = 90
FORMS = {
    KEY.encode(),
    KEY.encode().hex().encode(),
    base64.b64encode(KEY.encode()).rstrip(b"="),
}
Places: TypeAlias = Iterator[tuple[str, bytes]]


class HeldChat(ChatStub):
    """A chat model that answers only while it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def behave(self, request: Request) -> Reply:
        self.may_answer.wait(_KEPT_ALIVE_SECONDS)
        return super().behave(request)


@dataclass(frozen=True)
class Vault:
    """A stack whose workers may ask the chat model beside it."""

    stack: Stack
    chat: HeldChat
    collector: Collector

    def ask(self, client: Client, text: str) -> job_pb2.Job:
        model = translations.chat_model(self.chat.base_url, "stub", KEY)
        options = translations.options(engines=["chat"], chat=model, without_memory=True)
        return client.translate_text(text, "en", ["pt"], options=options)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg2.connect(self.stack.values["BABELMILL_DATABASE_URL"]) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    home = tmp_path_factory.mktemp("vault")
    collector = Collector()
    with HeldChat() as chat:
        environment = stack_environment(
            home,
            BABELMILL_OTLP_ENDPOINT=collector.endpoint,
            BABELMILL_CHAT_HOSTS=f"127.0.0.1:{chat.port}",
            BABELMILL_LOG_LEVEL="debug",
            BABELMILL_SCRATCH=str(home / "scratch"),
        )
        started = run_stack("up", environment)
        try:
            assert started.returncode == 0, started.stdout + started.stderr
            yield Vault(Stack(home, read_environment(home)), chat, collector)
        finally:
            chat.may_answer.set()
            stopped = run_stack("down", environment)
            collector.stop()
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture
def client(vault: Vault) -> Iterator[Client]:
    with Client(vault.stack.grpc, vault.stack.token) as client:
        yield client


@pytest.mark.matrix(52)
@pytest.mark.row("B10")
def test_key_is_in_clear_nowhere_when_its_job_succeeds_fails_or_loses_its_worker(
    vault: Vault, client: Client
) -> None:
    jobs = [vault.ask(client, "The miller opens the door.")]
    done = client.wait(jobs[0].job_id, timeout_seconds=60)
    assert done.state == job_pb2.JOB_STATE_COMPLETED, done
    assert vault.chat.posts()[-1].headers["authorization"] == f"Bearer {KEY}"
    assert vault.rows("SELECT * FROM job_secrets") == []

    vault.chat.script(says_the_key())
    jobs.append(vault.ask(client, "The mill is old."))
    refused = client.wait(jobs[1].job_id, timeout_seconds=60)
    assert refused.state == job_pb2.JOB_STATE_FAILED, refused

    vault.chat.may_answer.clear()
    asked = vault.chat.calls
    jobs.append(vault.ask(client, "Nobody is there."))
    eventually(lambda: vault.chat.calls > asked, timeout_seconds=30)
    assert len(vault.rows("SELECT * FROM job_secrets")) == 1
    assert_nowhere(vault, client, jobs)
    for child in children(vault.stack, "translation_worker"):
        child.kill()
    vault.chat.may_answer.set()
    survived = client.wait(jobs[2].job_id, timeout_seconds=_KEPT_ALIVE_SECONDS)
    assert survived.state == job_pb2.JOB_STATE_COMPLETED, survived
    assert vault.rows("SELECT * FROM job_secrets") == []
    assert_nowhere(vault, client, jobs)

    with pytest.raises(FailedPrecondition) as caught:
        client.retry_job(jobs[1].job_id)
    assert caught.value.reason == "SECRET_GONE"
    again = client.retry_job(jobs[1].job_id, chat_api_key=KEY)
    assert client.wait(again.job_id, timeout_seconds=60).state == job_pb2.JOB_STATE_COMPLETED
    assert_nowhere(vault, client, [*jobs, again])


def assert_nowhere(vault: Vault, client: Client, jobs: list[job_pb2.Job]) -> None:
    """Look into every table, file, broker key, span, event, answer and command line."""
    for places in (
        _tables(vault),
        _files(vault.stack.home),
        _broker(vault),
        _answers(client, jobs),
        _spans(vault, jobs),
        _command_lines(),
    ):
        looked_at = 0
        for where, data in places:
            assert not [form for form in FORMS if form in data], where
            looked_at += 1
        assert looked_at


def _tables(vault: Vault) -> Places:
    tables = vault.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert ("job_secrets",) in tables
    for (table,) in tables:
        for (row,) in vault.rows(f"SELECT t::text FROM {table} t"):
            yield str(table), str(row).encode()
            yield f"{table}, its bytes", bytes.fromhex("".join(_hexadecimal(str(row))))


def _broker(vault: Vault) -> Places:
    with redis.Redis.from_url(vault.stack.values["BABELMILL_REDIS_URL"]) as broker:
        for key in broker.scan_iter():
            yield "broker", bytes(key) + (broker.dump(key) or b"")


def _answers(client: Client, jobs: list[job_pb2.Job]) -> Places:
    for job in jobs:
        yield "job", client.get_job(job.job_id).SerializeToString()
        for event in client.list_events(job.job_id):
            yield "event", event.SerializeToString()


def _spans(vault: Vault, jobs: list[job_pb2.Job]) -> Places:
    for job in jobs:
        eventually(partial(vault.collector.trace, job.trace_id))
    for span in vault.collector.everything():
        yield "span", f"{span.name} {span.attributes}".encode()


def _command_lines() -> Places:
    for process in psutil.process_iter():
        try:
            yield f"command line of {process.pid}", " ".join(process.cmdline()).encode()
        except psutil.Error:
            continue


def _files(home: Path) -> Places:
    """Logs, artifacts, scratch, PostgreSQL's own files with its log of writes, Valkey's."""
    for path in home.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()
        except FileNotFoundError:
            continue


def _hexadecimal(row: str) -> Iterator[str]:
    """Give what PostgreSQL writes of bytes: `\\x` and digits."""
    for part in row.split("\\x")[1:]:
        digits = part[: next((i for i, c in enumerate(part) if c not in "0123456789abcdef"), None)]
        yield digits[: len(digits) // 2 * 2]
