"""Client spans of streaming calls, without touching the call.

The instrumentation library wraps a response stream in a generator: the call
behind it can no longer be cancelled, and between two messages the stream's
span stays current in the reader's code. Here the caller gets the real call,
the span is never current, and it ends when the call does.
"""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar

import grpc
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from babelmill.kit.wire.call_defaults import with_aio_metadata, with_metadata

_PROPAGATOR = TraceContextTextMapPropagator()

_Req = TypeVar("_Req")
_Res = TypeVar("_Res")


def _start(method: str | bytes) -> tuple[Span, list[tuple[str, str]]]:
    name = method.decode() if isinstance(method, bytes) else method
    service, _, rpc = name.lstrip("/").partition("/")
    span = trace.get_tracer(__name__).start_span(
        name,
        kind=SpanKind.CLIENT,
        attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": rpc},
    )
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
    return span, list(carrier.items())


def _end(span: Span, code: grpc.StatusCode | None) -> None:
    if code is not None:
        span.set_attribute("rpc.grpc.status_code", code.value[0])
    # A caller that leaves a stream has not met an error.
    if code not in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED):
        span.set_status(StatusCode.ERROR)
    span.end()


class StreamSpans(
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Makes a span for each sync streaming call."""

    # Any in this class: grpc's call types are private to its stubs.

    def _call(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        details: grpc.ClientCallDetails,
        request: object,
    ) -> Any:
        if not is_instrumentation_enabled():
            return continuation(details, request)
        span, headers = _start(details.method)
        try:
            call = continuation(with_metadata(details, *headers), request)
        except BaseException:
            _end(span, None)
            raise
        call.add_done_callback(lambda ended: _end(span, ended.code()))
        return call

    def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, _Req], Any],
        client_call_details: grpc.ClientCallDetails,
        request: _Req,
    ) -> Any:
        """Make the span of a download or a watch."""
        return self._call(continuation, client_call_details, request)

    def intercept_stream_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[_Req]], Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[_Req],
    ) -> Any:
        """Make the span of an upload."""
        return self._call(continuation, client_call_details, request_iterator)

    def intercept_stream_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[_Req]], Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[_Req],
    ) -> Any:
        """Make the span of a two-way stream."""
        return self._call(continuation, client_call_details, request_iterator)


class AioStreamSpans:
    """Makes a span for each aio streaming call."""

    @staticmethod
    def all() -> list[grpc.aio.ClientInterceptor]:
        """Give one interceptor for each kind of streaming call."""
        return [_AioUnaryStream(), _AioStreamUnary(), _AioStreamStream()]


async def _aio_call(
    # Any: the three kinds of call share these methods but no public type.
    continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]],
    details: grpc.aio.ClientCallDetails,
    request: object,
) -> Any:
    if not is_instrumentation_enabled():
        return await continuation(details, request)
    span, headers = _start(details.method)
    try:
        call = await continuation(with_aio_metadata(details, *headers), request)
    except BaseException:
        _end(span, None)
        raise
    call.add_done_callback(lambda ended: _end(span, _code_of_ended(ended)))
    return call


# Any: as above.
def _code_of_ended(call: Any) -> grpc.StatusCode | None:
    # code() is a coroutine that never waits once the call has ended, and a
    # callback cannot await, nor rely on the loop to run another task.
    coroutine = call.code()
    try:
        coroutine.send(None)
    except StopIteration as result:
        return result.value if isinstance(result.value, grpc.StatusCode) else None
    finally:
        coroutine.close()
    return None


class _AioUnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, _Req], Awaitable[grpc.aio.UnaryStreamCall[_Req, _Res]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: _Req,
    ) -> Any:
        return await _aio_call(continuation, client_call_details, request)


class _AioStreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, AsyncIterable[_Req] | Iterable[_Req]],
            Awaitable[grpc.aio.StreamUnaryCall[_Req, _Res]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: AsyncIterable[_Req] | Iterable[_Req],
    ) -> Any:
        return await _aio_call(continuation, client_call_details, request_iterator)


class _AioStreamStream(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, AsyncIterable[_Req] | Iterable[_Req]],
            Awaitable[grpc.aio.StreamStreamCall[_Req, _Res]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: AsyncIterable[_Req] | Iterable[_Req],
    ) -> Any:
        return await _aio_call(continuation, client_call_details, request_iterator)
