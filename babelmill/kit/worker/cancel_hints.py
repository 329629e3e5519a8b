"""Hears that jobs are being cancelled, and lets the children that work on them beat at once.

A thread of the parent with one connection to Redis for the whole worker. A
child that is woken asks the job service what to do, as it does every second
by itself; with Redis away that second is all that is lost.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.cancel_hint import CHANNEL, decode_cancel_hint
from babelmill.kit.worker.child_signals import BEAT_SIGNAL
from babelmill.kit.worker.watch_record import read_records

_LISTEN_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.2
_LARGEST_PAUSE_SECONDS = 5.0

_log = get_logger(__name__)


class CancelHints:
    """The listening thread."""

    def __init__(self, redis_url: str, *, scratch: Path) -> None:
        self._redis_url = redis_url
        self._scratch = scratch
        self._linked = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cancel-hints", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop listening; the thread goes with the process."""
        self._ended.set()

    def _run(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._ended.is_set():
            try:
                self._listen()
            except (RedisError, OSError) as error:
                if self._linked:
                    self._linked, pause_seconds = False, _FIRST_PAUSE_SECONDS
                if pause_seconds == _FIRST_PAUSE_SECONDS:
                    _log.warning("cancel_hints_lost", error_type=type(error).__name__)
                self._ended.wait(pause_seconds)
                pause_seconds = min(pause_seconds * 2, _LARGEST_PAUSE_SECONDS)

    def _listen(self) -> None:
        """Serve one link until it breaks. Raises RedisError, OSError."""
        with (
            Redis.from_url(
                self._redis_url,
                socket_connect_timeout=2,
                socket_timeout=2 * _LISTEN_SECONDS,
                health_check_interval=10,
                retry=Retry(NoBackoff(), 0),
            ) as client,
            client.pubsub(ignore_subscribe_messages=True) as pubsub,
        ):
            pubsub.subscribe(CHANNEL)
            self._linked = True
            while not self._ended.is_set():
                message = pubsub.get_message(timeout=_LISTEN_SECONDS)
                job_id = decode_cancel_hint(message["data"]) if message else None
                if job_id is not None:
                    self._wake_children_of(job_id)

    def _wake_children_of(self, job_id: UUID) -> None:
        for pid, record in read_records(self._scratch):
            if record is not None and record.job_id == str(job_id):
                with suppress(ProcessLookupError):
                    os.kill(pid, BEAT_SIGNAL)
