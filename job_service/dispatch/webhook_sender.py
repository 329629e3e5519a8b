"""Sends messages to addresses that clients have named.

The same rules as for sources of documents: the name is resolved once, every address that it has
is judged, and the connection goes to one that was judged. Nothing is followed anywhere, no proxy
is used, and of an answer only its status and its Retry-After are read.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache

import certifi
import httpcore
from typing_extensions import override

from babelmill.kit.wire.addresses import (
    AddressRefused,
    HostNotFound,
    Resolver,
    WebAddress,
    check_host,
    read_address,
)
from job_service.dispatch.relay import Threads
from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.webhook import Answer, AttemptError

_USER_AGENT = "babelmill-webhooks"
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0

# As the library's interface has it: options of setsockopt(2).
_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class WebhookSender:
    """Sends. `threads` wait for name servers, which know no timeout of their own."""

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str],
        timeout_seconds: float,
        threads: Threads,
        resolver: Resolver | None = None,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._timeout_seconds = timeout_seconds
        self._threads = threads
        self._resolver = resolver
        # At its lowest level the library would log the addresses that clients name.
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    async def check(self, url: str) -> None:
        """Refuse an address that must not be called, as far as can be told now.

        A name that cannot be resolved may be there later. Raises InvalidRequest.
        """
        try:
            address = read_address(url)
            await self._threads.run(
                check_host, address.host, address.port, self._allowed_hosts, self._resolver
            )
        except AddressRefused as refused:
            words = refused.message
            raise InvalidRequest(
                Violation("url", f"{words[0].upper()}{words[1:]}.", refused.word)
            ) from None
        except HostNotFound:
            return

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Try once, within the timeout."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status, retry_after = await self._post(read_address(url), headers, body)
        except AddressRefused:
            return _failed(started, AttemptError.URL_REFUSED)
        except HostNotFound:
            return _failed(started, AttemptError.DNS)
        except (TimeoutError, httpcore.TimeoutException):
            return _failed(started, AttemptError.TIMEOUT)
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            is_tls = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
            return _failed(started, AttemptError.TLS if is_tls else AttemptError.CONNECTION)
        duration = _since(started)
        if status in _SUCCESS:
            return Answer(duration, status)
        error_word = AttemptError.REDIRECT if status in _REDIRECT else AttemptError.HTTP_STATUS
        return Answer(duration, status, error_word, retry_after)

    async def _post(
        self, address: WebAddress, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, timedelta | None]:
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=_tls(), network_backend=self._backend(), http2=False, retries=0
            ) as pool,
            pool.stream(
                "POST",
                httpcore.URL(
                    scheme=address.scheme.encode(),
                    host=address.host.encode(),
                    port=address.port,
                    target=address.target.encode(),
                ),
                headers=[
                    ("host", address.host_header),
                    ("user-agent", _USER_AGENT),
                    ("accept-encoding", "identity"),
                    ("content-length", str(len(body))),
                    *headers.items(),
                ],
                content=body,
            ) as response,
        ):
            given = {name.lower(): value for name, value in response.headers}
            return response.status, _retry_after(given.get(b"retry-after", b""))

    def _backend(self) -> httpcore.AsyncNetworkBackend:
        return _CheckedBackend(self._allowed_hosts, self._threads, self._resolver)


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects where `check_host` allows it. Raises AddressRefused and HostNotFound too."""

    def __init__(
        self, allowed_hosts: Collection[str], threads: Threads, resolver: Resolver | None
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._threads = threads
        self._resolver = resolver
        self._sockets = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers."""
        addresses = await self._threads.run(
            check_host, host, port, self._allowed_hosts, self._resolver
        )
        problem: Exception = httpcore.ConnectError("no address answers")
        for address in addresses:
            try:
                return await self._sockets.connect_tcp(
                    str(address), port, timeout=timeout, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    @override
    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await asyncio.sleep(seconds)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:  # images without the system's certificates
        context.load_verify_locations(certifi.where())
    return context


def _failed(started: float, error: AttemptError) -> Answer:
    return Answer(_since(started), error=error)


def _since(started: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started)


def _retry_after(value: bytes) -> timedelta | None:
    """Read seconds or a date (RFC 9110, section 10.2.3); what is neither is not heeded."""
    text = value.decode("latin-1").strip()
    try:
        if text.isascii() and text.isdigit():
            seconds = float(text)
        else:
            moment = parsedate_to_datetime(text)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (aware - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return timedelta(seconds=min(max(0.0, seconds), _LONGEST_RETRY_AFTER_SECONDS))
