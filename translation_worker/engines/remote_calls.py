"""Remote calls: requests to an engine's server, repeated where that helps and named where not.

Obeys Retry-After (RFC 9110, section 10.2.3): a short wait is waited out here, a longer one ends
the attempt and says when to try again. So it is with the turns at the gate. Nothing of what a
server says goes into an error: it can quote the text, or the key.
"""

import datetime
import email.utils
import json
import random
import re
import threading
import time
from collections.abc import Mapping

import structlog

from translation_worker.engines.engine import (
    EngineBusyError,
    EngineError,
    EngineQuotaError,
    EngineRefusedError,
    EngineUnavailableError,
    StopCheck,
)
from translation_worker.engines.gate import Gate
from translation_worker.engines.http_exchange import Answer, HttpExchange

# All waits of one call together that its server is the cause of, within an attempt.
MAX_WAIT_SECONDS = 15.0
# The longest wait for the next turn, and all of a call together, where many share one rate. Giving
# up sooner would use up the attempts of a step for nothing.
MAX_TURN_SECONDS = 60.0
MAX_TURNS_SECONDS = 300.0
MAX_RETRIES = 3
MAX_RETRY_AFTER_SECONDS = 3600.0
_FIRST_BACKOFF_SECONDS = 0.5
# For a server that says it is busy and not for how long, when asking again has not helped.
_BUSY_SECONDS = 30.0
_STOP_CHECK_SECONDS = 0.1

_OK = range(200, 300)
_QUOTA = frozenset({402, 456})
_REFUSED = frozenset({401, 403, 404})
_BUSY = frozenset({429, 529})
_OVERLOADED = 503
_FAULTS = range(500, 600)
_QUOTA_WORDS = re.compile(rb"insufficient_quota|quota_exceeded|billing_hard_limit", re.IGNORECASE)

_log = structlog.stdlib.get_logger(__name__)
# Spreads retries; nothing about it is secret, but nothing is lost by it either.
_random = random.SystemRandom()


class RequestRejectedError(EngineError):
    """The server does not take this request, though it may take others."""

    def __init__(self, status: int, words: frozenset[str]) -> None:
        super().__init__(f"The engine's server rejects a request with status {status}.")
        self.status = status
        # Words in its answer that are codes, to be compared and never shown.
        self.words = words


class RemoteCalls:
    """Calls of one engine to one server, through the gate."""

    def __init__(
        self, engine: str, exchange: HttpExchange, gate: Gate, *, account: str = ""
    ) -> None:
        self._engine = engine
        self._exchange = exchange
        self._gate = gate
        self._account = account

    def get(self, path: str, stop: StopCheck, headers: Mapping[str, str]) -> object:
        """Return the JSON at a path; raises as `post` does, at once."""
        return _parsed(self._judged(self._exchange.get(path, stop, headers)))

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        stop: StopCheck,
        headers: Mapping[str, str],
        *,
        characters: int,
    ) -> object:
        """Return what the server answers to JSON, parsed.

        Raises EngineBusyError, EngineQuotaError, EngineRefusedError, EngineUnavailableError,
        RequestRejectedError, NoJsonError, and what `stop` raises.
        """
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        for attempt in range(1, MAX_RETRIES + 2):
            deadline += self._pass_gate(characters, stop)
            try:
                return _parsed(self._judged(self._exchange.post(path, data, stop, headers)))
            except EngineBusyError as busy:
                wait = max(_backoff_seconds(attempt), busy.retry_after_seconds)
                if isinstance(busy, _BusyForUnknownError) and attempt <= MAX_RETRIES:
                    wait = _backoff_seconds(attempt + 1)
                self._gate.pause(self._engine, wait, self._account)
                if attempt > MAX_RETRIES or time.monotonic() + wait > deadline:
                    raise
            except (_ServerFaultError, NoJsonError) as fault:
                wait = _backoff_seconds(attempt)
                if attempt > MAX_RETRIES or time.monotonic() + wait > deadline:
                    raise fault.told() from None
            _log.info("engine_call_repeated", engine=self._engine, attempt=attempt, seconds=wait)
            _wait(wait, stop)
        raise EngineUnavailableError

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def _pass_gate(self, characters: int, stop: StopCheck) -> float:
        """Wait for leave; return the seconds that it took. Raises EngineBusyError."""
        asked_at = time.monotonic()
        while (seconds := self._gate.take(self._engine, characters, self._account)) > 0:
            waited = time.monotonic() - asked_at
            if seconds > MAX_TURN_SECONDS or waited + seconds > MAX_TURNS_SECONDS:
                raise EngineBusyError(retry_after_seconds=seconds)
            _wait(seconds, stop)
        return time.monotonic() - asked_at

    def _judged(self, answer: Answer) -> bytes:
        """Return the body of a good answer; raise what any other one means."""
        status = answer.status
        if status in _OK:
            return answer.body
        _log.info("engine_call_failed", engine=self._engine, status=status)
        if status in _QUOTA or (status in _BUSY and _QUOTA_WORDS.search(answer.body)):
            raise EngineQuotaError
        if status in _REFUSED:
            raise EngineRefusedError
        told = answer.headers.get("retry-after", "")
        if status in _BUSY or (status == _OVERLOADED and told):
            seconds = retry_after_seconds(told)
            if seconds is None:
                raise _BusyForUnknownError(retry_after_seconds=_BUSY_SECONDS)
            raise EngineBusyError(retry_after_seconds=seconds)
        if status in _FAULTS:
            raise _ServerFaultError
        words = re.findall(rb"[a-z]+(?:_[a-z]+)+", answer.body[:4096])
        raise RequestRejectedError(status, frozenset(word.decode() for word in words))


class _BusyForUnknownError(EngineBusyError):
    """The server is busy and does not say for how long."""


class _ServerFaultError(EngineError):
    """The server has failed at this request; it may not at the next."""

    def told(self) -> EngineError:
        """Return what to tell when it fails every time."""
        return EngineUnavailableError("The engine's server fails.")


class NoJsonError(EngineError):
    """The answer of the engine's server is no JSON: cut off, or a page for people."""

    def told(self) -> EngineError:
        """Return what to tell when there never is any."""
        return self


def retry_after_seconds(value: str) -> float | None:
    """Read a Retry-After header: seconds or a date. None if it is neither; at most an hour."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", value):
        return min(float(value), MAX_RETRY_AFTER_SECONDS)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (ValueError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.UTC)
    seconds = (date - datetime.datetime.now(datetime.UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _backoff_seconds(attempt: int) -> float:
    """Return a wait that doubles, with full jitter above its half."""
    longest = _FIRST_BACKOFF_SECONDS * 2.0 ** (attempt - 1)
    return _random.uniform(longest / 2, longest)


def _wait(seconds: float, stop: StopCheck) -> None:
    """Wait, looking for a stop."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        stop()
        threading.Event().wait(min(left, _STOP_CHECK_SECONDS))
    stop()


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NoJsonError from None
