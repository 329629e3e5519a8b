"""How a process dials another one: token, deadlines, keepalive, retries, spans.

A channel opened here is the same for every caller. It connects lazily, so a
process starts while its peer is down. Channels are without TLS unless it is
asked for: the addresses are loopback by default.
"""

from collections.abc import Sequence

import grpc
from opentelemetry.instrumentation.grpc import (
    aio_client_interceptors,
    client_interceptor,
    grpcext,
)

from babelmill.kit.wire.call_defaults import AioCallDefaults, CallDefaults
from babelmill.kit.wire.retry_policy import service_config
from babelmill.kit.wire.stream_spans import AioStreamSpans, StreamSpans
from babelmill.kit.wire.tls import ClientTls

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
KEEPALIVE_SECONDS = 30
KEEPALIVE_TIMEOUT_SECONDS = 10

_LOOPBACK_HOSTS = ("127.", "localhost", "[::1]", "unix:")


def channel_options(address: str, service: str = "") -> list[tuple[str, str | int]]:
    """Give the gRPC options of every channel; times in them are milliseconds."""
    options: list[tuple[str, str | int]] = [
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        # Pings go out only while a call runs: a server whose enforcement is
        # stricter than ours would end the connection for more.
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1000),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1000),
        ("grpc.max_reconnect_backoff_ms", 5000),
        ("grpc.enable_retries", 1),
        ("grpc.service_config", service_config()),
        ("grpc.primary_user_agent", f"babelmill-{service or 'client'}"),
    ]
    if address.startswith(_LOOPBACK_HOSTS):
        # http_proxy is set on many machines and knows nothing of this host.
        options.append(("grpc.enable_http_proxy", 0))
    return options


def open_channel(
    address: str,
    token: str,
    *,
    service: str = "",
    tls: ClientTls | None = None,
) -> grpc.Channel:
    """Open a channel for threads. The caller closes it. Raises BadCertificate."""
    options = channel_options(address, service)
    if tls is None:
        plain = grpc.insecure_channel(address, options)
    else:
        plain = grpc.secure_channel(address, tls.credentials(), options)
    channel = grpc.intercept_channel(plain, StreamSpans(), CallDefaults(token))
    interceptor = client_interceptor(filter_=_is_unary)  # type: ignore[no-untyped-call]  # untyped
    traced: grpc.Channel = grpcext.intercept_channel(  # type: ignore[no-untyped-call]  # untyped
        channel, interceptor
    )
    return traced


def open_aio_channel(
    address: str,
    token: str,
    *,
    service: str = "",
    tls: ClientTls | None = None,
) -> grpc.aio.Channel:
    """Open a channel for the running event loop. The caller closes it.

    Raises BadCertificate.
    """
    options = channel_options(address, service)
    interceptors: Sequence[grpc.aio.ClientInterceptor] = [
        *(
            interceptor
            for interceptor in aio_client_interceptors()  # type: ignore[no-untyped-call]  # untyped
            if isinstance(interceptor, grpc.aio.UnaryUnaryClientInterceptor)
        ),
        *AioStreamSpans.all(),
        *AioCallDefaults.all(token),
    ]
    if tls is None:
        return grpc.aio.insecure_channel(address, options, interceptors=interceptors)
    return grpc.aio.secure_channel(address, tls.credentials(), options, interceptors=interceptors)


def _is_unary(call: object) -> bool:
    # Spans of streams are made by StreamSpans, see there.
    return not hasattr(call, "is_client_stream")
