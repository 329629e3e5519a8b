"""The workers' Redis transport, against a server that goes away."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.exceptions import RedisError

from babelmill.stack.valkey import EmbeddedValkey

_TRANSPORT = "babelmill.kit.worker.redis_transport:Transport"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def channel(server: EmbeddedValkey) -> Iterator[Any]:  # Any: kombu is published without types
    """A channel that takes one message at a time, and has one."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    make: Any = Connection
    connection = make(server.url(), transport=_TRANSPORT, transport_options=options)
    channel = connection.channel()
    channel.basic_qos(0, 1, False)
    queue = connection.SimpleQueue("held", channel=channel)
    queue.put({"step": 1})
    queue.get(timeout=5)
    assert not channel.qos.can_consume()
    yield channel
    connection.release()


@pytest.mark.parametrize(
    "settle",
    [
        lambda channel, tag: channel.basic_ack(tag),
        lambda channel, tag: channel.basic_reject(tag, requeue=False),
        lambda channel, tag: channel.basic_reject(tag, requeue=True),
    ],
    ids=["ack", "reject", "requeue"],
)
def test_the_slot_is_free_when_a_message_cannot_be_settled(
    server: EmbeddedValkey, channel: Any, settle: Callable[[Any, str], None]
) -> None:
    """A slot that stayed taken would keep the worker from ever reading again."""
    (tag,) = channel.qos._delivered
    server.stop()
    with pytest.raises((RedisError, OSError, OperationalError)):
        settle(channel, tag)
    assert channel.qos.can_consume()


@pytest.mark.parametrize("settle", ["ack", "reject"])
def test_the_connection_is_told_to_be_gone_when_a_closed_channel_settles(
    channel: Any, settle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything else would end the worker."""
    (tag,) = channel.qos._delivered
    monkeypatch.setattr(channel, "connection", None)
    monkeypatch.setattr(channel, "_pool", None)
    with pytest.raises(ConnectionFailed):
        getattr(channel.qos, settle)(tag)


def test_an_entry_is_dropped_when_it_lacks_a_part_of_a_message(channel: Any) -> None:
    """Kombu would take it for a lost connection, and Celery connect anew for each of them."""
    channel.client.lpush("held", '{"body": "", "headers": {}, "properties": {}}')
    channel.qos.prefetch_count = 0
    channel._active_queues.append("held")
    channel._queue_cycle.update(["held"])
    channel._brpop_start(timeout=1)
    assert channel._brpop_read() is True
    assert channel.client.llen("held") == 0
