"""Webhooks and deliveries: what they are, and what an attempt's outcome makes of them.

Pure: times and chance come as arguments.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

_GONE = 410
_MOST_DOUBLINGS = 30


class EventSort(StrEnum):
    """A sort of events that a webhook can be told of."""

    JOB_STATE = "JOB_STATE"
    JOB_ENDED = "JOB_ENDED"
    TARGET = "TARGET"
    STEP = "STEP"


USUAL_EVENTS = (EventSort.JOB_STATE, EventSort.TARGET)
"""What a webhook is told of if nothing else is asked for."""


class WebhookState(StrEnum):
    """Whether a webhook is told of events."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class DisabledReason(StrEnum):
    """Why a webhook is told of nothing."""

    BY_REQUEST = "BY_REQUEST"
    FAILING = "FAILING"
    GONE = "GONE"


class DeliveryState(StrEnum):
    """How far a delivery is."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class AttemptError(StrEnum):
    """Why an attempt did not succeed."""

    HTTP_STATUS = "HTTP_STATUS"
    REDIRECT = "REDIRECT"
    TIMEOUT = "TIMEOUT"
    DNS = "DNS"
    TLS = "TLS"
    CONNECTION = "CONNECTION"
    URL_REFUSED = "URL_REFUSED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of events."""

    webhook_id: UUID
    url: str
    description: str
    events: tuple[EventSort, ...]
    created_at: datetime
    state: WebhookState = WebhookState.ENABLED
    disabled_reason: DisabledReason | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending a message; `http_status` is 0 without an answer."""

    duration: timedelta
    http_status: int = 0
    error: AttemptError | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver an event, as it is remembered."""

    started_at: datetime
    duration: timedelta
    http_status: int
    error: AttemptError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook."""

    delivery_id: UUID
    job_id: UUID
    sequence: int
    state: DeliveryState
    attempts: tuple[Attempt, ...]
    attempt_count: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How deliveries are tried."""

    max_attempts: int = 10
    """Tries of one event before it is given up."""
    first_wait: timedelta = timedelta(seconds=5)
    """How long at most until the second try; each later wait is four times as long."""
    longest_wait: timedelta = timedelta(hours=6)
    """No wait is longer, and no Retry-After is heeded that is."""
    disable_after: timedelta = timedelta(hours=72)
    """A webhook that only fails for so long is disabled."""
    claim: timedelta = timedelta(seconds=60)
    """How long an attempt may take with all that belongs to it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a webhook has fared lately: failures in a row, and since when."""

    failures: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery and of its webhook after an attempt.

    `resume_at` is when the webhook is tried again with anything, None for at once.
    """

    state: DeliveryState
    due_at: datetime
    standing: Standing
    resume_at: datetime | None = None
    disable: DisabledReason | None = None


def judge(
    answer: Answer,
    tries: int,
    standing: Standing,
    rules: DeliveryRules,
    *,
    now: datetime,
    jitter: float,
) -> Verdict:
    """Decide after the `tries`-th attempt of an event; `jitter` is from 0 to 1.

    An endpoint that fails is left alone for a moment that grows, so that many events on their way
    do not make many calls that fail; its Retry-After holds for all of them.
    """
    if answer.error is None:
        return Verdict(DeliveryState.DELIVERED, now, Standing(0, None))
    failing_since = standing.failing_since or now
    failures = standing.failures + 1
    wait = _wait(tries, rules, jitter)
    pause = min(
        timedelta(minutes=1), timedelta(seconds=0.1 * (1 << min(failures, _MOST_DOUBLINGS)))
    )
    if answer.retry_after is not None:
        pause = min(answer.retry_after, rules.longest_wait)
        wait = max(wait, pause)
    disable = None
    if answer.http_status == _GONE:
        disable = DisabledReason.GONE
    elif now - failing_since >= rules.disable_after:
        disable = DisabledReason.FAILING
    given_up = tries >= rules.max_attempts
    return Verdict(
        DeliveryState.FAILED if given_up else DeliveryState.PENDING,
        now if given_up else now + wait,
        Standing(failures, failing_since),
        now + pause,
        disable,
    )


def _wait(tries: int, rules: DeliveryRules, jitter: float) -> timedelta:
    """Wait four times as long each time, between half of it and all of it."""
    longest = min(
        rules.longest_wait, rules.first_wait * (1 << 2 * min(tries - 1, _MOST_DOUBLINGS // 2))
    )
    return longest * (0.5 + jitter / 2)
