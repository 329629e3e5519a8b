"""Puts the gRPC servers together: one port for clients, one for workers.

Each port has its own credential role, its own limit of calls and its own
threads, so that a flood of clients cannot keep workers from their heartbeats.

Open to everybody: `grpc.health.v1`, which tells only whether the server can
work, and reflection on a port that is bound to a loopback address. Anywhere
else reflection needs the port's token. Channelz tells of peers and is served
on the worker port, always with a token.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import grpc.aio
from grpc_channelz.v1 import channelz, channelz_pb2_grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.tls import ServerTls
from job_service.api.auth import Authenticator
from job_service.api.call_limits import CallLimits
from job_service.api.edge import Edge, OnRefused, Register
from job_service.api.open_streams import OpenStreams
from job_service.api.readiness import Readiness
from job_service.domain.principal import Role

_log = get_logger(__name__)

MAX_MESSAGE_BYTES = 4 * 1024 * 1024

_CHANNELZ = "grpc.channelz.v1.Channelz"
_UNTRACED_METHODS = frozenset({"Heartbeat", "AnnounceWorker"})


class CannotListen(Exception):
    """An address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class Service:
    """A servicer, the generated function that registers it, and who may call it.

    Without `roles`, every role of its port may.
    """

    name: str
    register: Register
    servicer: object
    roles: frozenset[Role] | None = None


class Port:
    """One listening server."""

    def __init__(
        self,
        *,
        listen: str,
        services: Sequence[Service],
        authenticator: Authenticator,
        readiness: Readiness,
        max_concurrent_calls: int,
        with_channelz: bool = False,
        share_port: bool = False,
        tls: ServerTls | None = None,
        on_refused: OnRefused | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        self._server = grpc.aio.server(
            options=_options(share_port=share_port), maximum_concurrent_rpcs=max_concurrent_calls
        )
        self.listen = listen
        self._has_tls = tls is not None
        self._streams = OpenStreams(authenticator)
        open_services = {health.SERVICE_NAME}
        if is_loopback(listen):
            open_services.add(reflection.SERVICE_NAME)
        edge = Edge(
            authenticator,
            open_services=frozenset(open_services),
            untraced_methods=_UNTRACED_METHODS,
            streams=self._streams,
            on_refused=on_refused,
            limits=limits,
        )
        for service in services:
            edge.register(self._server, service.register, service.servicer, service.roles)
        names = [service.name for service in services]
        health_servicer = health.aio.HealthServicer()
        readiness.inform(health_servicer, names)
        edge.register(self._server, health_pb2_grpc.add_HealthServicer_to_server, health_servicer)
        names.append(health.SERVICE_NAME)
        if with_channelz:
            edge.register(
                self._server,
                channelz_pb2_grpc.add_ChannelzServicer_to_server,
                channelz.aio.ChannelzServicer(),
            )
            names.append(_CHANNELZ)
        names.append(reflection.SERVICE_NAME)
        edge.register(
            self._server,
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server,
            reflection.aio.ReflectionServicer(names),
        )
        try:
            self.number = (
                self._server.add_insecure_port(listen)
                if tls is None
                else self._server.add_secure_port(listen, tls.credentials())
            )
        except RuntimeError as error:
            raise CannotListen(f"cannot listen on {listen}") from error

    async def start(self) -> None:
        """Begin to serve."""
        await self._server.start()
        self._streams.start()
        _log.info("port_opened", listen=self.listen, port=self.number, tls=self._has_tls)
        if not self._has_tls and not is_loopback(self.listen):
            # Tokens and texts can be read by whoever sees the packets.
            _log.warning("port_without_tls", listen=self.listen)

    async def stop(self, grace_seconds: float) -> None:
        """Take no new calls; end those that are left after the grace."""
        await self._server.stop(grace_seconds)
        self._streams.stop()


async def stop_ports(ports: Sequence[Port], grace_seconds: float) -> None:
    """Stop all ports at the same time."""
    await asyncio.gather(*(port.stop(grace_seconds) for port in ports))


def is_loopback(listen: str) -> bool:
    """Tell whether an address `host:port` can be reached from this machine only."""
    host = listen.rpartition(":")[0].strip("[]")
    if listen.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _options(*, share_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # Off by default, or a second server would silently share the port.
        ("grpc.so_reuseport", int(share_port)),
        # A peer that is gone without a word is noticed within 40 seconds.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # A client that pings more often than this is sent away.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 3),
        # Connections that never say anything.
        ("grpc.server_handshake_timeout_ms", 10_000),
    ]
