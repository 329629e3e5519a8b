"""Words and times: how enum values and timestamps are written in JSON.

An enum value is its proto name without the type's prefix, in lower case
("in_progress"). A time is RFC 3339 with an offset. A value that this edge does
not know, of a newer job service, reads as "unspecified" instead of failing.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


class JobStateWord(StrEnum):
    """Where a job stands."""

    UNSPECIFIED = "unspecified"
    PENDING = "pending"
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    RETRY_WAIT = "retry_wait"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    PARTIALLY_COMPLETED = "partially_completed"
    FAILED = "failed"
    DEAD_LETTERED = "dead_lettered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class StepStateWord(StrEnum):
    """Where a step stands."""

    UNSPECIFIED = "unspecified"
    BLOCKED = "blocked"
    PENDING = "pending"
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    RETRY_WAIT = "retry_wait"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD_LETTERED = "dead_lettered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class TargetStateWord(StrEnum):
    """Where a target stands."""

    UNSPECIFIED = "unspecified"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PriorityWord(StrEnum):
    """Which queue a job's steps wait in."""

    UNSPECIFIED = "unspecified"
    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"


class ProgressUnitWord(StrEnum):
    """What progress counts."""

    UNSPECIFIED = "unspecified"
    CHARACTERS = "characters"
    MEDIA_SECONDS = "media_seconds"
    PAGES = "pages"
    CUES = "cues"
    BYTES = "bytes"
    STEPS = "steps"


class ArtifactStateWord(StrEnum):
    """Whether an artifact's bytes are all there."""

    UNSPECIFIED = "unspecified"
    UPLOADING = "uploading"
    READY = "ready"


class PresetKindWord(StrEnum):
    """What a preset makes."""

    UNSPECIFIED = "unspecified"
    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    PACKAGE = "package"
    REPORT = "report"


W = TypeVar("W", bound=StrEnum)
V = TypeVar("V", bound=int)


def word(words: type[W], name_of: Callable[[V], str], prefix: str, value: V) -> W:
    """Write an enum value as its word; `name_of` is the enum's own `Name`."""
    try:
        return words(name_of(value).removeprefix(prefix).lower())
    except ValueError:
        return words("unspecified")


def time_of(message: Message, field: str) -> datetime | None:
    """Read a timestamp field; None when it is absent or outside year 1 to 9999."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _require_rfc3339(value: object) -> object:
    # Left alone, pydantic reads numbers and bare dates as times too.
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("must be a time by RFC 3339 with an offset, as 2030-01-31T12:00:00Z")
    if not isinstance(value, str | datetime):
        raise ValueError("must be a time by RFC 3339 with an offset, as 2030-01-31T12:00:00Z")
    return value


def _require_utf8(value: str) -> str:
    # JSON can escape half a surrogate pair; protobuf cannot carry one.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not hold a lone surrogate") from None
    return value


RequestText = Annotated[str, AfterValidator(_require_utf8)]
"""A text that a client gives."""

RequestTime = Annotated[AwareDatetime, BeforeValidator(_require_rfc3339)]
"""A time that a client gives."""
