"""What the job service reads from the environment; times are in seconds."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from babelmill.kit.process.settings import Settings
from babelmill.kit.wire.tls_settings import ListeningTlsSettings
from job_service.api.limit_settings import TenantLimitSettings
from job_service.application.limits import Limits
from job_service.application.secret_box import SecretBox, read_key_file
from job_service.domain.planned import StepTimeouts
from job_service.domain.segments import SegmentPolicy
from job_service.domain.webhook import DeliveryRules

_HEARTBEATS_PER_LEASE = 3
_LONGEST_TIMEOUT_SECONDS = 24 * 3600
_MOST_HOURS = 10 * 366 * 24


class DatabaseSettings(Settings):
    """What the commands need that only touch the database."""

    database_url: SecretStr
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    # How long to wait for a database that does not answer yet.
    database_wait_seconds: float = Field(default=30, ge=0, le=3600)

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must be a postgresql:// URL")
        return value


class JobServiceSettings(DatabaseSettings, ListeningTlsSettings, TenantLimitSettings):
    """What the server needs."""

    grpc_listen: str = "127.0.0.1:50051"
    worker_grpc_listen: str = "127.0.0.1:50052"
    redis_url: SecretStr
    artifacts: str = Field(min_length=1)
    otlp_endpoint: str | None = None
    # A file with 64 hexadecimal digits, readable by its owner only: the key that
    # jobs' api_keys are encrypted with. Without it no job may bring one.
    secrets_key_file: Path | None = None

    lease_ttl_seconds: float = Field(default=30, ge=1, le=3600)
    heartbeat_seconds: float = Field(default=1, ge=0.05, le=60)
    # How long one attempt may take; a text of over 1 MB gets as much for each MB.
    translate_timeout_seconds: float = Field(default=15 * 60, ge=0.1, le=_LONGEST_TIMEOUT_SECONDS)
    # A document of over 20 MB, a chunk of over 50,000 characters and a document of
    # over 5,000,000 characters get more in proportion.
    extract_timeout_seconds: float = Field(default=10 * 60, ge=0.1, le=_LONGEST_TIMEOUT_SECONDS)
    tone_timeout_seconds: float = Field(default=15 * 60, ge=0.1, le=_LONGEST_TIMEOUT_SECONDS)
    reconstruct_timeout_seconds: float = Field(default=15 * 60, ge=0.1, le=_LONGEST_TIMEOUT_SECONDS)
    transcode_timeout_seconds: float = Field(default=4 * 3600, ge=0.1, le=_LONGEST_TIMEOUT_SECONDS)
    # From which length on videos are encoded in segments by themselves, how long a
    # segment then is, how many there may be, and how many of one video at once.
    segments_from_seconds: float = Field(default=120, ge=1, le=_LONGEST_TIMEOUT_SECONDS)
    segment_seconds: float = Field(default=30, ge=1, le=3600)
    max_segments: int = Field(default=200, ge=2, le=1000)
    segments_at_once: int = Field(default=8, ge=1, le=1000)
    max_waiting_jobs: int = Field(default=1000, ge=1)
    max_upload_bytes: int = Field(default=8 * 1024**3, ge=1)

    # How long a job is kept after its end, and its outputs; and how old an
    # unfinished upload or a file that nothing refers to may become.
    retention_hours: float = Field(default=168, gt=0, le=_MOST_HOURS)
    result_ttl_hours: float = Field(default=24, gt=0, le=_MOST_HOURS)
    orphan_grace_hours: float = Field(default=24, gt=0, le=_MOST_HOURS)
    # How long translated segments are remembered, and how many for one tenant.
    memory_hours: float = Field(default=24, gt=0, le=_MOST_HOURS)
    max_memory_entries: int = Field(default=500_000, ge=0)

    # How long a token that was good is taken as good. What was revoked ends within
    # four thirds of it, open streams too.
    token_memory_seconds: float = Field(default=30, ge=0.1, le=40)
    # Hosts, as `host` or `host:port`, separated by commas, that webhooks may lead to
    # although they are not public.
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    max_webhooks: int = Field(default=20, ge=0)
    # How many deliveries this server tries at the same time, and how long one may take.
    webhook_slots: int = Field(default=16, ge=1, le=1000)
    webhook_timeout_seconds: float = Field(default=15, ge=0.1, le=300)
    # How often an event is tried, and how long until the second try: each later wait
    # is four times as long, and 6 hours at most.
    webhook_attempts: int = Field(default=10, ge=1, le=100)
    webhook_retry_seconds: float = Field(default=5, ge=0.01, le=3600)
    # A webhook that only fails for so long is disabled.
    webhook_disable_hours: float = Field(default=72, gt=0, le=_MOST_HOURS)

    keep_alive_seconds: float = Field(default=15, ge=0.1, le=600)
    max_watchers: int = Field(default=5000, ge=1)
    max_watchers_per_tenant: int = Field(default=2000, ge=1)
    max_concurrent_calls: int = Field(default=8000, ge=1)
    max_concurrent_worker_calls: int = Field(default=1000, ge=1)
    # Several servers on one port of one machine; the kernel spreads connections.
    share_port: bool = False
    # How long calls may go on after SIGTERM.
    drain_seconds: float = Field(default=10, ge=0, le=3600)

    @field_validator("grpc_listen", "worker_grpc_listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port
            raise ValueError("must be host:port")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("must be a redis:// or rediss:// URL")
        return value

    @field_validator("webhook_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("secrets_key_file")
    @classmethod
    def _is_key_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_key_file(value)
        return value

    @model_validator(mode="after")
    def _heartbeats_keep_leases(self) -> Self:
        if self.heartbeat_seconds * _HEARTBEATS_PER_LEASE > self.lease_ttl_seconds:
            raise ValueError(
                "BABELMILL_HEARTBEAT_SECONDS must be at most a third of BABELMILL_LEASE_TTL_SECONDS"
            )
        return self

    def secret_box(self) -> SecretBox | None:
        """Give what keeps jobs' secrets; None where there is no key for it."""
        if self.secrets_key_file is None:
            return None
        return SecretBox(read_key_file(self.secrets_key_file))

    def delivery_rules(self) -> DeliveryRules:
        """Give how deliveries to webhooks are tried."""
        return DeliveryRules(
            max_attempts=self.webhook_attempts,
            first_wait=timedelta(seconds=self.webhook_retry_seconds),
            disable_after=timedelta(hours=self.webhook_disable_hours),
            # What an attempt does besides has as much time again. Who takes longer is
            # fenced off, and the event is sent twice.
            claim=timedelta(seconds=2 * self.webhook_timeout_seconds + 5),
        )

    def limits(self) -> Limits:
        """Give what bounds the use cases."""
        return Limits(
            max_waiting_jobs=self.max_waiting_jobs,
            lease_ttl=timedelta(seconds=self.lease_ttl_seconds),
            max_upload_bytes=self.max_upload_bytes,
            step_timeouts=StepTimeouts(
                extract=timedelta(seconds=self.extract_timeout_seconds),
                translate=timedelta(seconds=self.translate_timeout_seconds),
                tone=timedelta(seconds=self.tone_timeout_seconds),
                reconstruct=timedelta(seconds=self.reconstruct_timeout_seconds),
                transcode=timedelta(seconds=self.transcode_timeout_seconds),
            ),
            segments=SegmentPolicy(
                from_seconds=self.segments_from_seconds,
                length_seconds=self.segment_seconds,
                most=self.max_segments,
                at_once=self.segments_at_once,
            ),
            retention=timedelta(hours=self.retention_hours),
            result_ttl=timedelta(hours=self.result_ttl_hours),
            orphan_grace=timedelta(hours=self.orphan_grace_hours),
            memory_ttl=timedelta(hours=self.memory_hours),
            max_memory_entries=self.max_memory_entries,
            max_webhooks=self.max_webhooks,
            quotas=self.quotas(),
        )
