"""A job service that dies between a receiver's answer and its own note of it: real processes."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from babelmill.client import Client
from babelmill.client.errors import Unavailable
from babelmill.client.webhooks import check_signature, state_name
from babelmill.stack.ports import free_port
from job_service.application.tokens import Tokens
from job_service.domain.principal import Role
from job_service.storage.engine import open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory
from tests.deadlines import eventually
from tests.integration.webhook_receiver import Received, Reply, open_receiver
from tests.security.doors import Server


class Replicas:
    """Job services on one database, each with ports of its own."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        key = folder / "secrets.key"
        key.write_text("ab" * 32)
        key.chmod(0o600)
        self._folder = folder
        self._environment = {
            "BABELMILL_DATABASE_URL": database_url,
            "BABELMILL_REDIS_URL": redis_url,
            "BABELMILL_ARTIFACTS": str(folder / "artifacts"),
            "BABELMILL_SECRETS_KEY_FILE": str(key),
            "BABELMILL_DRAIN_SECONDS": "1",
            "BABELMILL_WEBHOOK_HOSTS": "127.0.0.1",
            # A claim is held for twice the time, and five seconds.
            "BABELMILL_WEBHOOK_TIMEOUT_SECONDS": "0.5",
            "BABELMILL_WEBHOOK_RETRY_SECONDS": "0.1",
        }
        self._servers: list[Server] = []

    def start(self, **more: str) -> tuple[Server, str]:
        """Start another; return it with its address."""
        address = f"127.0.0.1:{free_port()}"
        environment = {
            **self._environment,
            "BABELMILL_GRPC_LISTEN": address,
            "BABELMILL_WORKER_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
            **more,
        }
        log = self._folder / f"{len(self._servers)}.log"
        server = Server("job_service.main", environment, log)
        self._servers.append(server)
        eventually(lambda: len(server.logged("port_opened")) == 2, timeout_seconds=60)
        return server, address

    def end(self) -> None:
        for server in self._servers:
            server.end()


@contextmanager
def _replicas(database_url: str, redis_url: str, folder: Path) -> Iterator[Replicas]:
    replicas = Replicas(database_url, redis_url, folder)
    try:
        yield replicas
    finally:
        replicas.end()


@pytest.fixture
def token(database_url: str) -> str:
    database = open_database(database_url, 1)
    tokens = Tokens(units=SqlUnitOfWorkFactory(database))
    made = tokens.create_token(tokens.create_tenant("ours"), Role.CLIENT)
    database.close()
    return made


def test_event_comes_again_under_its_id_and_in_its_place_when_the_sender_dies(
    database_url: str, redis_url: str, tmp_path: Path, token: str
) -> None:
    """At least once, in order, and told apart by the id: whatever dies between answer and note."""
    with (
        _replicas(database_url, redis_url, tmp_path) as replicas,
        open_receiver() as receiver,
    ):
        doomed, address = replicas.start(
            BABELMILL_FAILPOINT="webhooks.sent:kill", BABELMILL_TEST_MODE="1"
        )
        with Client(address, token) as client:
            webhook, secret = client.create_webhook(receiver.url("/all"), ["job_state"])
            with suppress(Unavailable):
                client.translate_text("Hello.", "en", ["pt"])
            receiver.wait("/all", 1)
        eventually(lambda: doomed.popen.poll() is not None)
        _, other_address = replicas.start()
        replicas.start()
        with Client(other_address, token) as client:
            (job,) = client.list_jobs()
            client.cancel_job(job.job_id)

            def all_delivered() -> bool:
                found = list(client.deliveries(webhook.webhook_id))
                return len(found) >= 3 and {state_name(d) for d in found} == {"delivered"}

            eventually(all_delivered, timeout_seconds=40)
            count = len(list(client.deliveries(webhook.webhook_id)))
        came = receiver.on("/all")
        ids = [check_signature(secret, each.headers, each.body) for each in came]
        assert ids[0] == ids[1], "the event whose delivery was not noted comes again"
        assert ids[1:] == list(dict.fromkeys(ids)), "every other one comes once"
        sequences = [each.sequence for each in came[1:]]
        assert sequences == sorted(sequences)
        assert len(ids) == count + 1


@pytest.mark.slow
def test_outcome_of_a_frozen_sender_changes_nothing_when_it_wakes(
    database_url: str, redis_url: str, tmp_path: Path, token: str
) -> None:
    """A sender that stalled longer than its claim is fenced off."""
    first = threading.Event()

    def reply(_: Received) -> Reply:
        # Only the first answer is one of failure: the frozen sender must not note it.
        if first.is_set():
            return Reply(204)
        first.set()
        return Reply(500)

    with (
        _replicas(database_url, redis_url, tmp_path) as replicas,
        open_receiver() as receiver,
    ):
        receiver.answer("/all", reply)
        frozen, address = replicas.start(
            BABELMILL_FAILPOINT="webhooks.sent:stop", BABELMILL_TEST_MODE="1"
        )
        with Client(address, token) as client:
            webhook, _ = client.create_webhook(receiver.url("/all"), ["job_ended"])
            job = client.translate_text("Hello.", "en", ["pt"])
            client.cancel_job(job.job_id)
        receiver.wait("/all", 1)
        _, other_address = replicas.start()
        with Client(other_address, token) as client:

            def delivered() -> bool:
                (found,) = client.deliveries(webhook.webhook_id)
                return state_name(found) == "delivered"

            eventually(delivered, timeout_seconds=40)
            frozen.popen.send_signal(signal.SIGCONT)
            eventually(lambda: frozen.logged("webhook_claim_lost"))
            (found,) = client.deliveries(webhook.webhook_id)
            assert state_name(found) == "delivered"
            assert [each.http_status for each in found.attempts] == [204]
            assert client.get_webhook(webhook.webhook_id).HasField("failing_since") is False
        assert len(receiver.on("/all")) == 2
