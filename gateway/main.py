"""`babelmill-gateway`: the process around the application.

On SIGTERM or SIGINT it stops accepting, ends event streams so that clients
connect elsewhere, lets other requests finish for a bounded time, and exits 0.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Iterator

import uvicorn

from babelmill.client.resumption import ResumePolicy
from babelmill.kit.process.lifecycle import StopSignal
from babelmill.kit.process.logs import configure_logging, get_logger
from babelmill.kit.process.settings import load_settings
from babelmill.kit.process.telemetry import start_telemetry
from babelmill.kit.wire.channels import open_aio_channel
from gateway.app import create_app
from gateway.http.limits import Limits
from gateway.http.protocol import EdgeProtocol
from gateway.http.socket_protocol import EdgeSocketProtocol
from gateway.jobs_client.client import JobsClient
from gateway.routes.context import Context
from gateway.settings import GatewaySettings

SERVICE = "gateway"
_KEEP_ALIVE_SECONDS = 30
_LONGEST_SOCKET_MESSAGE = 4096
_TELEMETRY_FLUSH_SECONDS = 2.0

_log = get_logger(__name__)


class EdgeServer(uvicorn.Server):
    """uvicorn's server, stopped by us: its own handlers would end the process by the signal."""

    def __init__(
        self, config: uvicorn.Config, on_started: "Callable[[EdgeServer], None] | None" = None
    ) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, and tell where: port 0 means any."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        _log.info("gateway_listening", host=host, port=port)
        if self._on_started is not None:
            self._on_started(self)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


async def serve(
    settings: GatewaySettings,
    stop: StopSignal,
    on_started: Callable[[EdgeServer], None] | None = None,
) -> None:
    """Serve until a stop is requested."""
    channel = open_aio_channel(
        settings.grpc, "", service=SERVICE, tls=settings.tls_to_job_service()
    )
    policy = ResumePolicy(
        largest_delay_seconds=2.0,
        patience_seconds=settings.gateway_resume_seconds,
        waits_for_room=False,
    )
    context = Context(
        client=JobsClient(channel, policy, deadline_seconds=settings.gateway_call_seconds),
        limits=limits_of(settings),
    )
    server = EdgeServer(server_config(settings, context), on_started)

    async def stop_when_told() -> None:
        reason = await stop.wait_async()
        _log.info("gateway_stopping", reason=reason)
        context.stopping.set()
        server.should_exit = True

    stopper = asyncio.create_task(stop_when_told())
    try:
        await server.serve()
    finally:
        context.stopping.set()
        stopper.cancel()
        await asyncio.gather(stopper, return_exceptions=True)
        await channel.close()


def server_config(settings: GatewaySettings, context: Context) -> uvicorn.Config:
    """Configure uvicorn: quiet, bounded, and silent about what it is."""
    host, port = settings.host_and_port
    protocol = type(
        "ConfiguredEdgeProtocol", (EdgeProtocol,), {"head_seconds": settings.gateway_head_seconds}
    )
    tls = settings.tls_for_http()
    authority = tls.client_authority if tls else None
    socket_protocol = type(
        "ConfiguredSocketProtocol",
        (EdgeSocketProtocol,),
        {"linger_seconds": settings.gateway_send_stall_seconds},
    )
    return uvicorn.Config(
        create_app(context, settings.dialects),
        host=host,
        port=port,
        http=protocol,
        ws=socket_protocol,
        # Clients have nothing to say there.
        ws_max_size=_LONGEST_SOCKET_MESSAGE,
        ws_ping_interval=settings.gateway_keep_alive_seconds,
        ws_ping_timeout=settings.gateway_send_stall_seconds,
        # Inflating what strangers deflate can take any amount of memory.
        ws_per_message_deflate=False,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=str(authority) if authority else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if authority else ssl.CERT_NONE,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=settings.gateway_max_head_bytes,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.gateway_drain_seconds,
    )


def limits_of(settings: GatewaySettings) -> Limits:
    """Give the limits that settings say."""
    return Limits(
        max_head_bytes=settings.gateway_max_head_bytes,
        max_json_bytes=settings.gateway_max_json_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        json_body_seconds=settings.gateway_body_seconds,
        upload_idle_seconds=settings.gateway_upload_idle_seconds,
        send_stall_seconds=settings.gateway_send_stall_seconds,
        keep_alive_seconds=settings.gateway_keep_alive_seconds,
    )


async def _run(settings: GatewaySettings) -> None:
    stop = StopSignal()
    stop.install_async()
    await serve(settings, stop)


def main() -> None:
    """Run the gateway until it is told to stop."""
    settings = load_settings(GatewaySettings)
    configure_logging(SERVICE, settings.log_level)
    # These two write every chunk and header at debug, users' words among them.
    for name in ("python_multipart", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    telemetry = start_telemetry(SERVICE, settings.otlp_endpoint)
    try:
        asyncio.run(_run(settings))
    finally:
        telemetry.force_flush(_TELEMETRY_FLUSH_SECONDS)
        telemetry.shutdown()
    sys.exit(0)


if __name__ == "__main__":
    main()
