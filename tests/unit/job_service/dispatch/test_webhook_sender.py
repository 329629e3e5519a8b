"""Sending to real servers that answer in every way that receivers do."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from job_service.api.threads import BoundedThreads
from job_service.dispatch.webhook_sender import WebhookSender
from job_service.domain.webhook import AttemptError
from tests.integration.webhook_receiver import Receiver, Reply, open_receiver
from tests.security.certificates import Authority


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    threads = BoundedThreads("addresses", 2)
    yield WebhookSender(allowed_hosts=("127.0.0.1",), timeout_seconds=1, threads=threads)
    threads.shutdown()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (204, None),
        (301, AttemptError.REDIRECT),
        (400, AttemptError.HTTP_STATUS),
        (410, AttemptError.HTTP_STATUS),
        (500, AttemptError.HTTP_STATUS),
    ],
)
async def test_answer_is_told_by_its_status(
    receiver: Receiver, sender: WebhookSender, status: int, error: AttemptError | None
) -> None:
    receiver.answer(f"/{status}", lambda _: Reply(status, {"Location": "/inner"}))
    answer = await sender.send(receiver.url(f"/{status}"), {"webhook-id": "1"}, b"{}")
    assert (answer.http_status, answer.error) == (status, error)
    (came,) = receiver.on(f"/{status}")
    assert came.headers["webhook-id"] == "1"
    assert came.headers["user-agent"] == "babelmill-webhooks"
    assert came.body == b"{}"
    assert not receiver.on("/inner")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 0), ("99999999999", 24 * 3600), ("soon", None), ("-5", None), ("", None)],
)
async def test_retry_after_is_read_when_it_is_one(
    receiver: Receiver, sender: WebhookSender, value: str, seconds: int | None
) -> None:
    receiver.answer("/busy", lambda _: Reply(429, {"Retry-After": value}))
    answer = await sender.send(receiver.url("/busy"), {}, b"{}")
    assert answer.retry_after == (None if seconds is None else timedelta(seconds=seconds))


async def test_retry_after_is_read_when_it_is_a_date(
    receiver: Receiver, sender: WebhookSender
) -> None:
    then = datetime.now(UTC) + timedelta(minutes=10)
    receiver.answer("/busy", lambda _: Reply(503, {"Retry-After": format_datetime(then, True)}))
    answer = await sender.send(receiver.url("/busy"), {}, b"{}")
    assert answer.retry_after is not None
    assert timedelta(minutes=9) < answer.retry_after <= timedelta(minutes=10)


async def test_attempt_fails_by_name_when_there_is_no_receiver(sender: WebhookSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    answer = await sender.send(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert (answer.http_status, answer.error) == (0, AttemptError.CONNECTION)


async def test_attempt_fails_by_name_when_the_name_is_unknown(receiver: Receiver) -> None:
    threads = BoundedThreads("addresses", 1)
    sender = WebhookSender(
        allowed_hosts=(), timeout_seconds=1, threads=threads, resolver=lambda _host, _port: ()
    )
    answer = await sender.send("https://nowhere.example/", {}, b"{}")
    assert answer.error is AttemptError.DNS
    threads.shutdown()


@contextmanager
def _serving(handle: "threading.Thread", server: socket.socket) -> Iterator[str]:
    handle.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.close()
        handle.join(10)


async def test_attempt_fails_by_name_when_the_receiver_drips_or_talks_nonsense(
    sender: WebhookSender,
) -> None:
    answers = iter([b"HTTP/1.1 200", b"\x00nonsense\r\n\r\n"])
    server = socket.create_server(("127.0.0.1", 0))
    release = threading.Event()

    def serve() -> None:
        for piece in answers:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(piece)
            if piece.startswith(b"HTTP"):
                release.wait(10)
            connection.close()

    with _serving(threading.Thread(target=serve), server) as place:
        dripping = await sender.send(f"http://{place}/", {}, b"{}")
        release.set()
        nonsense = await sender.send(f"http://{place}/", {}, b"{}")
    assert dripping.error is AttemptError.TIMEOUT
    assert nonsense.error is AttemptError.CONNECTION


async def test_attempt_fails_by_name_when_the_receivers_certificate_is_not_known(
    sender: WebhookSender, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path, "unknown").issue("receiver")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except (ssl.SSLError, OSError):
            connection.close()

    with _serving(threading.Thread(target=serve), server) as place:
        answer = await sender.send(f"https://{place}/", {}, b"{}")
    assert (answer.http_status, answer.error) == (0, AttemptError.TLS)
