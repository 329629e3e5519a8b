"""Failures of work in JSON: what happened while a job ran."""

from pydantic import BaseModel, Field

from babelmill.jobs.v1 import failure_pb2

_NANOS_A_SECOND = 1_000_000_000


class Failure(BaseModel):
    """Why a step, a target or a job did not succeed."""

    reason: str = Field(description="UPPER_SNAKE word for programs.")
    message: str = Field(description="One sentence for people.")
    retryable: bool = Field(description="Whether another attempt can succeed.")
    retry_after_seconds: float | None
    metadata: dict[str, str]


def failure_from_proto(message: failure_pb2.Failure) -> Failure:
    """Write a failure."""
    retry_after = None
    if message.HasField("retry_after"):
        wait = message.retry_after
        retry_after = wait.seconds + wait.nanos / _NANOS_A_SECOND
    return Failure(
        reason=message.reason,
        message=message.message,
        retryable=message.retryable,
        retry_after_seconds=retry_after,
        metadata=dict(message.metadata),
    )
