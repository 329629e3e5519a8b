"""Looks into the stores: is what was accepted there? And empties them between samples.

Babelmill's rows are read with SQL and not through its API: what is checked
is what a restart would find.
"""

import base64
import contextlib
import json
import time
from collections.abc import Collection, Iterator
from typing import Protocol

import psycopg2
import redis
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class named in lower case

from babelmill.kit.wire.step_message import StepMessage, queue_name
from bench.peers import submit_app

PUBLISH_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.02


class NotPublished(Exception):
    """Accepted steps were not published to the broker in time."""


class Store(Protocol):
    """Where one contestant keeps what it has accepted."""

    def wait_until_published(self) -> None:
        """Return when all that was accepted is in the broker. Raises NotPublished."""

    def missing(self, ids: Collection[str]) -> int:
        """Count the accepted ids that are not in the store, or not in the broker."""

    def empty(self) -> None:
        """Forget everything accepted so far."""


class BabelmillStore:
    """The job service's database, and its queue in Redis."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self._database_url = database_url
        self._redis = redis.Redis.from_url(redis_url)
        self._queue = queue_name("translation", "normal")

    def wait_until_published(self) -> None:
        deadline = time.monotonic() + PUBLISH_TIMEOUT_SECONDS
        with _cursor(self._database_url) as cursor:
            while True:
                cursor.execute("SELECT EXISTS (SELECT FROM steps WHERE state = 'PENDING')")
                (waiting,) = cursor.fetchone() or (True,)
                if not waiting:
                    return
                if time.monotonic() > deadline:
                    raise NotPublished
                time.sleep(POLL_SECONDS)

    def missing(self, ids: Collection[str]) -> int:
        queued = {str(message.step_id) for message in self.messages()}
        with _cursor(self._database_url) as cursor:
            cursor.execute("SELECT job_id::text, step_id::text FROM steps JOIN jobs USING (job_id)")
            stored = {job_id for job_id, step_id in cursor.fetchall() if step_id in queued}
        return len(set(ids) - stored)

    def messages(self) -> list[StepMessage]:
        """Read the broker's messages, leaving them there."""
        entries = [json.loads(entry) for entry in self._redis.lrange(self._queue, 0, -1)]
        bodies = [json.loads(base64.b64decode(entry["body"])) for entry in entries]
        return [StepMessage.from_kwargs(body[1]) for body in bodies]

    def empty(self) -> None:
        with _cursor(self._database_url) as cursor:
            cursor.execute("TRUNCATE jobs CASCADE")
        self._redis.delete(self._queue)


class PeerRedisStore:
    """The peer's queue in Redis: all that its weaker endpoint keeps."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url)

    def wait_until_published(self) -> None:
        # The peers publish before they answer.
        return

    def missing(self, ids: Collection[str]) -> int:
        entries = self._redis.lrange(submit_app.QUEUE, 0, -1)
        return len(set(ids) - {json.loads(entry)["headers"]["id"] for entry in entries})

    def empty(self) -> None:
        self._redis.delete(submit_app.QUEUE)


class PeerDurableStore(PeerRedisStore):
    """The peer's rows in PostgreSQL, and its queue."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        super().__init__(redis_url)
        self._database_url = database_url
        with _cursor(database_url) as cursor:
            cursor.execute(submit_app.CREATE_TABLE)

    def missing(self, ids: Collection[str]) -> int:
        with _cursor(self._database_url) as cursor:
            cursor.execute("SELECT id::text FROM submissions")
            stored = {job_id for (job_id,) in cursor.fetchall()}
        return max(len(set(ids) - stored), super().missing(ids))

    def empty(self) -> None:
        super().empty()
        with _cursor(self._database_url) as cursor:
            cursor.execute("TRUNCATE submissions")


@contextlib.contextmanager
def _cursor(url: str) -> Iterator[Cursor]:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
