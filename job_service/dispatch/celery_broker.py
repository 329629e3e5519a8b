"""Sends step messages as Celery tasks over Redis; this process runs no task itself.

A message names a step and a generation and holds nothing else of the job.
Messages of one round go out in one pipeline with lean headers: no reprs of
arguments, no result, no events.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError
from kombu.messaging import Producer
from redis.exceptions import RedisError

from babelmill.kit.wire.step_message import TASK_NAME, TRACEPARENT_HEADER
from job_service.dispatch.broker import BrokerUnavailable, Outgoing

_ORIGIN = "job_service"
_BATCH = 500


class CeleryBroker:
    """Keeps one connection; for one thread at a time."""

    def __init__(self, redis_url: str, *, socket_timeout_seconds: float = 5.0) -> None:
        self._app = Celery("babelmill", broker=redis_url, set_as_current=False)
        self._app.conf.update(
            task_serializer="json",
            accept_content=["json"],
            task_ignore_result=True,
            task_send_sent_event=False,
            broker_transport_options={
                "socket_timeout": socket_timeout_seconds,
                "socket_connect_timeout": 2,
                # The relay tries again by itself, and knows how long to wait.
                "max_retries": 0,
                "interval_start": 0,
                "interval_step": 0,
                "interval_max": 0,
            },
        )
        # Any: kombu is published without types.
        self._connection: Any = None
        self._producer: Any = None

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Send all in one pipeline. Raises BrokerUnavailable."""
        try:
            producer = self._connected()
            with producer.batch(max_size=_BATCH):
                for each in outgoing:
                    self._publish(producer, each)
        except (KombuError, RedisError, OSError) as error:
            # The state of a connection that failed is not known.
            self.close()
            raise BrokerUnavailable(type(error).__name__) from error

    def close(self) -> None:
        """Close the connection; the next publish opens another."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(KombuError, RedisError, OSError):
                connection.release()

    def _connected(self) -> Any:
        if self._producer is None:
            self._connection = self._app.connection_for_write()
            make_producer: Any = Producer
            self._producer = make_producer(self._connection.default_channel, auto_declare=False)
        return self._producer

    def _publish(self, producer: Any, each: Outgoing) -> None:
        message = self._app.amqp.as_task_v2(
            # A repeat of the same generation is the same task to whoever looks on.
            f"{each.message.step_id}.{each.message.generation}",
            TASK_NAME,
            kwargs=each.message.to_kwargs(),
            argsrepr="",
            kwargsrepr="",
            origin=_ORIGIN,
            ignore_result=True,
        )
        producer.publish(
            message.body,
            # The default exchange delivers to the queue named by the key.
            exchange="",
            routing_key=each.queue,
            serializer="json",
            headers={**message.headers, TRACEPARENT_HEADER: each.traceparent},
            retry=False,
            **message.properties,
        )
