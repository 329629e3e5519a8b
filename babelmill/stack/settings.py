"""What the stack reads from the environment.

A set BABELMILL_DATABASE_URL or BABELMILL_REDIS_URL means an external server,
and none is started; BABELMILL_OTLP_ENDPOINT names an external collector.
"""

from pathlib import Path

from pydantic import Field, field_validator

from babelmill.kit.process.settings import Settings
from babelmill.stack.media_workers import read_media_workers
from babelmill.stack.ports import split_address


class StackSettings(Settings):
    """The stack's own settings; the services read theirs from what it hands down."""

    home: Path = Path(".babelmill")
    grpc_listen: str = "127.0.0.1:50051"
    worker_grpc_listen: str = "127.0.0.1:50052"
    http_listen: str = "127.0.0.1:8000"
    database_url: str | None = None
    redis_url: str | None = None
    otlp_endpoint: str | None = None
    artifacts: str | None = None
    tenant: str = "default"
    log_level: str = "info"
    postgres_port: int = Field(default=0, ge=0, le=65535)
    valkey_port: int = Field(default=0, ge=0, le=65535)
    start_timeout_seconds: float = Field(default=90, gt=0)
    media_workers: str = ""
    """Dedicated media workers, such as `urgent:4,normal+low:2`; by default one for everything."""

    @field_validator("grpc_listen", "worker_grpc_listen", "http_listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        split_address(value)
        return value

    @field_validator("media_workers")
    @classmethod
    def _are_media_workers(cls, value: str) -> str:
        read_media_workers(value)
        return value
