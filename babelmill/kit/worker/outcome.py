"""How an attempt ends: with outputs, or with a failure that has a name."""

from collections.abc import Mapping
from dataclasses import dataclass

from babelmill.jobs.v1 import lease_pb2, usage_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.media.v1 import segments_pb2

INLINE_LIMIT_BYTES = 64 * 1024
INLINE_PART_LIMIT_BYTES = 1024
"""All parts of a document travel in the lease of one step, so each must be small."""

PART_MAKERS = frozenset(
    {
        "extract",
        "translate_segments",
        "adapt_tone",
        "extract_subtitles",
        "split_media",
        "encode_segment",
    }
)
"""The kinds of work whose outputs are parts: inputs of later steps."""


class StepFailure(Exception):
    """The attempt failed for a named reason.

    `message` is one English sentence for people. It never holds the user's
    text, a secret, or a path. `retryable` defaults to the reason's own.
    """

    def __init__(
        self,
        reason: FailureReason,
        message: str = "",
        *,
        retryable: bool | None = None,
        retry_after_seconds: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message or reason.description}")
        self.reason = reason
        self.message = message or reason.description
        self.retryable = reason.retryable if retryable is None else retryable
        self.retry_after_seconds = retry_after_seconds
        self.metadata: Mapping[str, str] = dict(metadata or {})


@dataclass(frozen=True, slots=True)
class Output:
    """Something the attempt made; exactly one of `inline` and `storage_key` is set."""

    filename: str
    media_type: str
    inline: bytes | None
    storage_key: str | None
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a successful attempt hands in."""

    outputs: tuple[Output, ...]
    usage: usage_pb2.Usage | None = None
    extraction: lease_pb2.Extraction | None = None
    split: segments_pb2.MediaSplit | None = None
    found_subtitles: lease_pb2.FoundSubtitles | None = None
