"""Settings that every worker has, whatever it does."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from babelmill.kit.wire.step_message import FAMILIES, PRIORITIES
from babelmill.kit.wire.tls_settings import WorkerTlsSettings


def _default_scratch() -> Path:
    return Path(tempfile.gettempdir()) / f"babelmill-scratch-{os.getuid()}"


class WorkerSettings(WorkerTlsSettings):
    """A worker's settings; times are in seconds."""

    worker_grpc: str = Field(default="127.0.0.1:50052", min_length=1)
    worker_token: SecretStr
    redis_url: SecretStr
    artifacts: str = Field(min_length=1)
    scratch: Path = Field(default_factory=_default_scratch)
    concurrency: int = Field(
        default=2, ge=1, le=256, validation_alias="BABELMILL_WORKER_CONCURRENCY"
    )
    # Families of queues to take steps from, separated by commas; by default all
    # that the worker can serve. Other processes must serve the others.
    queue_families: Annotated[tuple[str, ...], NoDecode] = ()
    # Priorities to take steps of, separated by commas; others must be served by other processes.
    priorities: Annotated[tuple[str, ...], NoDecode] = Field(
        default=PRIORITIES, min_length=1, validation_alias="BABELMILL_WORKER_PRIORITIES"
    )
    heartbeat_seconds: float = Field(default=1.0, ge=0.05, le=60)
    drain_seconds: float = Field(
        default=20.0, ge=0, le=3600, validation_alias="BABELMILL_WORKER_DRAIN_SECONDS"
    )
    stop_grace_seconds: float = Field(
        default=30.0, gt=0, le=3600, validation_alias="BABELMILL_WORKER_STOP_GRACE_SECONDS"
    )
    max_memory_bytes: int = Field(
        default=1024**3,
        ge=64 * 1024**2,
        validation_alias="BABELMILL_WORKER_MAX_MEMORY_BYTES",
        description="A child that is larger after an attempt is replaced by a new one.",
    )
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    otlp_endpoint: str | None = None

    @field_validator("queue_families", "priorities", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("queue_families")
    @classmethod
    def _known_families(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(value) - set(FAMILIES):
            raise ValueError(f"must be a list of {', '.join(FAMILIES)}")
        return value

    @field_validator("priorities")
    @classmethod
    def _known_priorities(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(value) - set(PRIORITIES):
            raise ValueError(f"must be a list of {', '.join(PRIORITIES)}")
        # In the order in which queues are read: the most urgent first, always.
        return tuple(priority for priority in PRIORITIES if priority in value)

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("must be a redis:// or rediss:// URL")
        return value
