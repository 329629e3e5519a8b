"""What every outgoing call gets: the bearer token, and a deadline if it has none.

Streams get no deadline: a watch lasts as long as its job.
"""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import grpc

UNARY_DEADLINE_SECONDS = 30.0

_Req = TypeVar("_Req")
_Res = TypeVar("_Res")


class _Details(NamedTuple):
    method: str
    timeout: float | None
    # Any: the stubs give metadata and flags private types.
    metadata: Any
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: Any


class CallDetails(_Details, grpc.ClientCallDetails):
    """Details of a call that an interceptor has changed."""


def with_metadata(
    details: grpc.ClientCallDetails, *extra: tuple[str, str], timeout: float | None = None
) -> grpc.ClientCallDetails:
    """Copy the details of a sync call, with more metadata and perhaps a deadline."""
    return CallDetails(
        details.method,
        details.timeout if details.timeout is not None else timeout,
        [*(details.metadata or ()), *extra],
        details.credentials,
        getattr(details, "wait_for_ready", None),
        getattr(details, "compression", None),
    )


def with_aio_metadata(
    details: grpc.aio.ClientCallDetails, *extra: tuple[str, str], timeout: float | None = None
) -> grpc.aio.ClientCallDetails:
    """Copy the details of an aio call, with more metadata and perhaps a deadline."""
    return grpc.aio.ClientCallDetails(
        details.method,
        details.timeout if details.timeout is not None else timeout,
        grpc.aio.Metadata(*(details.metadata or ()), *extra),
        details.credentials,
        details.wait_for_ready,
    )


def _authorization(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


class CallDefaults(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds the token and the deadline to sync calls."""

    def __init__(self, token: str) -> None:
        self._authorization = _authorization(token)

    # Any in the four methods below: grpc's call types are private to its stubs.

    def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, _Req], Any],
        client_call_details: grpc.ClientCallDetails,
        request: _Req,
    ) -> Any:
        """Add both."""
        return continuation(
            with_metadata(
                client_call_details, *self._authorization, timeout=UNARY_DEADLINE_SECONDS
            ),
            request,
        )

    def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, _Req], Any],
        client_call_details: grpc.ClientCallDetails,
        request: _Req,
    ) -> Any:
        """Add the token."""
        return continuation(with_metadata(client_call_details, *self._authorization), request)

    def intercept_stream_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[_Req]], Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[_Req],
    ) -> Any:
        """Add the token."""
        return continuation(
            with_metadata(client_call_details, *self._authorization), request_iterator
        )

    def intercept_stream_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[_Req]], Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[_Req],
    ) -> Any:
        """Add the token."""
        return continuation(
            with_metadata(client_call_details, *self._authorization), request_iterator
        )


class AioCallDefaults:
    """Adds the token and the deadline to aio calls.

    grpc.aio takes an interceptor for one of its four kinds of call only.
    """

    @staticmethod
    def all(token: str) -> list[grpc.aio.ClientInterceptor]:
        """Give one interceptor for each kind of call."""
        kinds = (_AioUnaryUnary, _AioUnaryStream, _AioStreamUnary, _AioStreamStream)
        return [kind(token) for kind in kinds]


class _Aio:
    def __init__(self, token: str) -> None:
        self._authorization = _authorization(token)


class _AioUnaryUnary(_Aio, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, _Req], Awaitable[grpc.aio.UnaryUnaryCall[_Req, _Res]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: _Req,
    ) -> grpc.aio.UnaryUnaryCall[_Req, _Res]:
        return await continuation(
            with_aio_metadata(
                client_call_details, *self._authorization, timeout=UNARY_DEADLINE_SECONDS
            ),
            request,
        )


class _AioUnaryStream(_Aio, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, _Req], Awaitable[grpc.aio.UnaryStreamCall[_Req, _Res]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: _Req,
    ) -> grpc.aio.UnaryStreamCall[_Req, _Res]:
        return await continuation(
            with_aio_metadata(client_call_details, *self._authorization), request
        )


class _AioStreamUnary(_Aio, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, AsyncIterable[_Req] | Iterable[_Req]],
            Awaitable[grpc.aio.StreamUnaryCall[_Req, _Res]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: AsyncIterable[_Req] | Iterable[_Req],
    ) -> grpc.aio.StreamUnaryCall[_Req, _Res]:
        return await continuation(
            with_aio_metadata(client_call_details, *self._authorization), request_iterator
        )


class _AioStreamStream(_Aio, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, AsyncIterable[_Req] | Iterable[_Req]],
            Awaitable[grpc.aio.StreamStreamCall[_Req, _Res]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: AsyncIterable[_Req] | Iterable[_Req],
    ) -> grpc.aio.StreamStreamCall[_Req, _Res]:
        return await continuation(
            with_aio_metadata(client_call_details, *self._authorization), request_iterator
        )
