"""HTTP exchange: one request to an engine's server, and its whole answer or an error.

An answer is bounded in size and time, and given up when the work shall stop. Where a client named
the server, its address is checked and the connection goes to the address that was checked, under
the name that was given. Redirects are not followed, proxies of the environment not used.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import httpx

from babelmill.kit.wire.addresses import (
    AddressRefused,
    HostNotFound,
    WebAddress,
    check_host,
    read_address,
)
from translation_worker.engines.engine import (
    EngineError,
    EngineRefusedError,
    EngineUnavailableError,
    StopCheck,
)

MAX_ANSWER_BYTES = 8 * 1024 * 1024
CONNECT_SECONDS = 5.0
# For questions that are not work, and that somebody may wait for at the start.
QUESTION_SECONDS = 5.0
# How often a stop is looked for while the server is silent.
_STOP_CHECK_SECONDS = 0.1
_MAX_ADDRESSES = 3
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpExchange:
    """Talks to one server, keeping its connections; used by one thread at a time.

    `allowed_hosts` are hosts that need not be public; None trusts the address altogether, because
    it is the operator's own.
    """

    def __init__(
        self, base_url: str, *, allowed_hosts: Collection[str] | None, timeout_seconds: float
    ) -> None:
        """Take the address apart; raises EngineRefusedError if it is none of http or https."""
        try:
            self._base = read_address(base_url.rstrip("/"))
        except AddressRefused as refused:
            raise EngineRefusedError("The address of the server is not acceptable.") from refused
        if "?" in self._base.target:
            raise EngineRefusedError("The address of the server must not hold a query.")
        self._allowed_hosts = allowed_hosts
        self._timeout_seconds = timeout_seconds
        # Their records hold addresses that clients have named, and headers that can echo a key.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._runner = asyncio.Runner()
        self._client: httpx.AsyncClient | None = None

    def get(self, path: str, stop: StopCheck, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        """Ask for a path under the base, for a short time. Raises as `post` does."""
        return self._run("GET", path, None, stop, headers)

    def post(
        self, path: str, body: bytes, stop: StopCheck, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Answer:
        """Send JSON to a path under the base.

        Raises EngineUnavailableError if no answer came in time, EngineRefusedError if the address
        must not be visited, EngineError for an answer that is too large, and what `stop` raises.
        """
        return self._run("POST", path, body, stop, headers)

    def close(self) -> None:
        """Close the connections; the next request opens them again."""
        if self._client is not None:
            self._runner.run(self._client.aclose())
            self._client = None
        self._runner.close()
        self._runner = asyncio.Runner()

    def _run(
        self,
        method: str,
        path: str,
        body: bytes | None,
        stop: StopCheck,
        headers: Mapping[str, str],
    ) -> Answer:
        stop()
        try:
            return self._runner.run(self._watched(method, path, body, stop, headers))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError):
            # Not chained: what libraries say can quote headers.
            raise EngineUnavailableError("The engine's server does not answer.") from None

    async def _watched(
        self,
        method: str,
        path: str,
        body: bytes | None,
        stop: StopCheck,
        headers: Mapping[str, str],
    ) -> Answer:
        work = asyncio.ensure_future(self._exchange(method, path, body, headers))
        try:
            while not (await asyncio.wait({work}, timeout=_STOP_CHECK_SECONDS))[0]:
                stop()
            return work.result()
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await work

    async def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        seconds = self._timeout_seconds
        async with asyncio.timeout(min(seconds, QUESTION_SECONDS) if body is None else seconds):
            hosts = await asyncio.to_thread(self._hosts)
            for host in hosts[:_MAX_ADDRESSES]:
                try:
                    return await self._exchange_with(host, method, path, body, headers)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
        raise EngineUnavailableError("The engine's server cannot be reached.")

    def _hosts(self) -> list[str]:
        """Return what to connect to: addresses that were checked, or the operator's host."""
        if self._allowed_hosts is None:
            return [self._base.host]
        try:
            found = check_host(self._base.host, self._base.port, self._allowed_hosts)
        except AddressRefused as refused:
            raise EngineRefusedError("The address of the server is not acceptable.") from refused
        except HostNotFound as missing:
            raise EngineUnavailableError("The name of the server is not known.") from missing
        return [str(address) for address in found]

    async def _exchange_with(
        self, host: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        if self._client is None:
            self._client = httpx.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(self._timeout_seconds, connect=CONNECT_SECONDS),
            )
        base = self._base
        address = WebAddress(base.scheme, host, base.port, base.target.rstrip("/") + path)
        sent = {"Host": base.host_header, "Accept": "application/json", **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        async with self._client.stream(
            method,
            address.url,
            content=body,
            headers=sent,
            extensions={"sni_hostname": base.host},
        ) as response:
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > MAX_ANSWER_BYTES:
                    raise EngineError("The answer of the engine's server is too large.")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, names, bytes(received))
