"""Kombu's Redis transport, made to survive what does not belong in a queue, and a Redis that goes.

Anything that can write to Redis can put bytes into a queue that are no
message. Kombu lets the error end the whole worker; here the entry is dropped
and told of. A step whose message was damaged is republished by the job
service.

A message that cannot be acknowledged keeps its slot in kombu, and once all
slots are kept nothing is read any more: not even that the connection is gone.
"""

import time
from queue import Empty
from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError as ConnectionFailed

from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)

_PAUSE_SECONDS = 0.5


class QoS(redis.QoS):
    """Counts the messages in hand; one that was settled is not in hand, come what may."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message. Raises what Redis raises; the message may come again."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu is half typed
        except Exception as error:
            self._quick_ack(delivery_tag)
            self._refuse_if_closed(error)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop a message or give it back. Raises what Redis raises."""
        try:
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]  # kombu is half typed
        except Exception as error:
            self._quick_ack(delivery_tag)
            self._refuse_if_closed(error)
            raise

    def _refuse_if_closed(self, error: Exception) -> None:
        """Say that the connection is gone; kombu stumbles over that, for which Celery ends."""
        if self.channel.connection is None:
            raise ConnectionFailed("the channel is closed") from error


class Channel(redis.Channel):
    """Reads queues; an entry that cannot be delivered is dropped."""

    QoS = QoS

    # Any: kombu's own options, passed through.
    def _brpop_read(self, **options: Any) -> object:
        before = set(self.qos._delivered)
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu is half typed
        except KeyError as error:
            # For kombu a lost connection; here it is an entry without some part of a message.
            return self._drop(error, before)
        except (*self.connection_errors, Empty):
            raise
        except self.ResponseError as error:
            self.client.connection.disconnect()
            raise _outage(error) from error
        except Exception as error:  # noqa: BLE001 - whatever lies in a queue, the worker lives
            return self._drop(error, before)

    def _drop(self, error: Exception, before: set[str]) -> bool:
        _log.warning("broker_entry_dropped", error_type=type(error).__name__)
        # What kombu took in before it failed would hold a prefetch slot for ever.
        for tag in set(self.qos._delivered) - before:
            self.qos.reject(tag, requeue=False)
        return True

    def _size(self, queue: str) -> int:
        """Count what waits in a queue, which kombu does when it declares one."""
        try:
            waiting: int = super()._size(queue)  # type: ignore[no-untyped-call]  # kombu is half typed
        except self.ResponseError as error:
            raise _outage(error) from error
        return waiting


def _outage(error: Exception) -> ConnectionFailed:
    """Make an outage, which Celery waits out, of a refusal, for which it ends the worker.

    Such as a queue's name with something else under it. Celery connects anew
    at once, and that succeeds: the pause keeps it from asking without end.
    """
    _log.warning("broker_refused_to_read", error_type=type(error).__name__)
    time.sleep(_PAUSE_SECONDS)
    return ConnectionFailed("the broker refuses to read the queues")


class Transport(redis.Transport):
    """The Redis transport with the sturdier channel."""

    Channel = Channel
