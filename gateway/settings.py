"""Settings of the gateway, read once at its start."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from babelmill.kit.wire.tls_settings import HttpTlsSettings, JobServiceTlsSettings
from gateway.dialects.dialect_settings import DialectSettings

Address = Annotated[str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+):\d{1,5}$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class GatewaySettings(DialectSettings, HttpTlsSettings, JobServiceTlsSettings):
    """Where to listen, where the job service is, and what clients may send."""

    http_listen: Address = "127.0.0.1:8000"
    grpc: Address = "127.0.0.1:50051"
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    otlp_endpoint: str | None = None
    max_upload_bytes: int = Field(default=8 * 1024**3, gt=0)
    gateway_max_json_bytes: int = Field(default=2 * 1024 * 1024, gt=0, le=4 * 1024 * 1024)
    gateway_max_head_bytes: int = Field(default=32 * 1024, ge=4096, le=1024 * 1024)
    gateway_head_seconds: Seconds = 15.0
    gateway_body_seconds: Seconds = 30.0
    gateway_upload_idle_seconds: Seconds = 30.0
    gateway_send_stall_seconds: Seconds = 60.0
    gateway_keep_alive_seconds: Seconds = 15.0
    gateway_call_seconds: Seconds = 20.0
    gateway_resume_seconds: Seconds = 60.0
    gateway_drain_seconds: int = Field(default=10, ge=0, le=3600)

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The address to bind; port 0 takes any free one."""
        host, _, port = self.http_listen.rpartition(":")
        return host.strip("[]"), int(port)
