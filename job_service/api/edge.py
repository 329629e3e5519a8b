"""The outermost layer of every call: span, token, parsing, and errors.

Servicers are registered through here, so that no method can forget one of
these. Requests arrive as bytes and are parsed after the caller is known: the
stock server would answer a malformed one with UNKNOWN and the parser's text.
Errors leave as typed details; a fault of ours leaves as INTERNAL with an id.
"""

import asyncio
import inspect
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, aclosing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.status_details import ErrorDetails, to_rpc_status
from babelmill.kit.wire.trace_headers import context_from_traceparent, without_tracing
from job_service.api.auth import Authenticator, Caller, names_of, set_current_caller
from job_service.api.call_limits import CallLimits
from job_service.api.enums import unknown_enum_values
from job_service.api.open_streams import HeldStream, OpenStreams
from job_service.api.status import details_of, internal_error, not_served
from job_service.domain.errors import (
    InvalidRequest,
    Refusal,
    SlowWatcher,
    Violation,
    WrongRole,
)
from job_service.domain.principal import Role

_log = get_logger(__name__)
_tracer = trace.get_tracer(__name__)

_OK = 0
_CANCELLED = grpc.StatusCode.CANCELLED.value[0]

R = TypeVar("R")

# Any: requests and responses are of whatever type the servicer's method has.
Behaviour = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Any]
Register = Callable[[Any, Any], None]
OnRefused = Callable[[Caller, str], None]
"""Told who called which method that their role may not."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method as it is served."""

    service: str
    name: str
    open: bool
    traced: bool
    streams: bool
    roles: frozenset[Role] | None
    parse: Callable[[bytes], Message]
    behaviour: Behaviour


class Edge:
    """Puts the outermost layer around the servicers of one port.

    `open_services` need no token. `untraced_methods` make no span of their own:
    they repeat for as long as a worker lives, and belong to no job.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        open_services: frozenset[str],
        untraced_methods: frozenset[str] = frozenset(),
        write_timeout_seconds: float = 30.0,
        streams: OpenStreams | None = None,
        on_refused: OnRefused | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._streams = streams
        self._on_refused = on_refused
        self._open_services = open_services
        self._untraced_methods = untraced_methods
        self._write_timeout_seconds = write_timeout_seconds

    def register(
        self,
        server: grpc.aio.Server,
        register: Register,
        servicer: object,
        roles: frozenset[Role] | None = None,
    ) -> None:
        """Register a servicer; `register` is the generated `add_…_to_server`.

        Without `roles`, every role of the port may call it.
        """
        recorder = _Recorder()
        register(servicer, recorder)
        for service, handlers in recorder.services.items():
            wrapped = {name: self._wrap(service, name, h, roles) for name, h in handlers.items()}
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, wrapped),)
            )
            server.add_registered_method_handlers(service, wrapped)

    def _wrap(
        self,
        service: str,
        name: str,
        handler: "grpc.RpcMethodHandler[Any, Any]",
        roles: frozenset[Role] | None,
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        # Any: the stubs know only synchronous behaviours here.
        behaviour: Any = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        assert behaviour is not None
        assert handler.request_deserializer is not None
        method = Method(
            service=service,
            name=name,
            open=service in self._open_services,
            traced=service not in self._open_services and name not in self._untraced_methods,
            streams=handler.request_streaming or handler.response_streaming,
            roles=roles,
            parse=handler.request_deserializer,
            behaviour=behaviour,
        )
        if handler.response_streaming:
            answer: Behaviour = self._streaming(method, request_streaming=handler.request_streaming)
        else:
            answer = self._single(method, request_streaming=handler.request_streaming)
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        return make(
            answer, request_deserializer=None, response_serializer=handler.response_serializer
        )

    def _single(self, method: Method, *, request_streaming: bool) -> Behaviour:
        async def answer(raw: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
            async def work() -> Message:
                request = _parse_all(method, raw) if request_streaming else _parse(method, raw)
                response: Message = await method.behaviour(request, context)
                return response

            return await self._guard(method, context, work)

        return answer

    def _streaming(self, method: Method, *, request_streaming: bool) -> Behaviour:
        # A coroutine that writes, not a generator that yields: a generator is
        # left to the garbage collector when the client goes during a write.
        async def answer(raw: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            async def work() -> None:
                request = _parse_all(method, raw) if request_streaming else _parse(method, raw)
                answers = method.behaviour(request, context)
                if inspect.isawaitable(answers):
                    # A servicer that writes by itself, as the stock health service does.
                    await answers
                    return
                async with aclosing(answers) as responses:
                    async for response in responses:
                        await self._write(context, response)

            await self._guard(method, context, work)

        return answer

    async def _write(self, context: grpc.aio.ServicerContext[Any, Any], response: Message) -> None:
        try:
            async with asyncio.timeout(self._write_timeout_seconds):
                await context.write(response)
        except TimeoutError:
            raise SlowWatcher from None
        except grpc.aio.InternalError:
            # What a write gets when the peer went just before it; gone during
            # it, the call is cancelled. Both are the peer's affair.
            raise asyncio.CancelledError from None

    async def _guard(
        self,
        method: Method,
        context: grpc.aio.ServicerContext[Any, Any],
        work: Callable[[], Awaitable[R]],
    ) -> R:
        metadata = tuple(context.invocation_metadata() or ())
        with _span(method, metadata) as span, ExitStack() as stack:
            quota_subject = ""
            held: HeldStream | None = None
            try:
                if not method.open:
                    caller = await self._authenticator.authenticate(metadata)
                    set_current_caller(caller)
                    quota_subject = f"tenant:{caller.principal.tenant_id}"
                    span.set_attribute("babelmill.tenant_id", str(caller.principal.tenant_id))
                    self._check_role(method, caller)
                    stack.enter_context(self._admitted(method, caller))
                    if method.streams and self._streams is not None:
                        held = stack.enter_context(self._streams.hold(caller, metadata))
                result = await work()
            except Refusal as refusal:
                details = details_of(refusal, quota_subject)
            except grpc.aio.AbortError:
                raise
            except asyncio.CancelledError:
                if held is None or held.refusal is None:
                    span.set_attribute("rpc.grpc.status_code", _CANCELLED)
                    raise
                # Not the peer's doing: its token does not work any more.
                details = details_of(held.refusal, quota_subject)
            except NotImplementedError:
                # What the generated base class does with a method of a newer contract.
                details = not_served()
            except Exception as error:  # noqa: BLE001 - the edge: nothing may leave untyped
                details = _report_fault(method, span, error)
            else:
                span.set_attribute("rpc.grpc.status_code", _OK)
                return result
            _mark(span, details)
            # It always raises.
            return await context.abort_with_status(to_rpc_status(details))

    def _admitted(self, method: Method, caller: Caller) -> AbstractContextManager[None]:
        if self._limits is None:
            return nullcontext()
        tenant_id = caller.principal.tenant_id
        return self._limits.admit(tenant_id, method.name, streams=method.streams)

    def _check_role(self, method: Method, caller: Caller) -> None:
        if method.roles is None or caller.principal.role in method.roles:
            return
        if self._on_refused is not None:
            self._on_refused(caller, f"{method.service}/{method.name}")
        raise WrongRole(f"This needs a token of the role {names_of(method.roles)}.")


class _Recorder:
    """Stands in for a server while generated code registers a servicer with it."""

    def __init__(self) -> None:
        self.services: dict[str, Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[object]) -> None:
        """Ignore them: the same handlers come by name as well."""

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, "grpc.RpcMethodHandler[Any, Any]"]
    ) -> None:
        """Keep the handlers of a service."""
        self.services[service] = handlers


def _parse(method: Method, raw: bytes) -> Message:
    try:
        message = method.parse(raw)
    except (DecodeError, UnicodeDecodeError):
        raise InvalidRequest(
            Violation("", "The message is not valid protobuf.", "MALFORMED"), reason="MALFORMED"
        ) from None
    violations = tuple(unknown_enum_values(message))
    if violations:
        raise InvalidRequest(*violations)
    return message


async def _parse_all(method: Method, raw: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for each in raw:
        yield _parse(method, each)


@contextmanager
def _span(method: Method, metadata: Sequence[tuple[str, str | bytes]]) -> Iterator[Span]:
    if not method.traced:
        with without_tracing():
            yield trace.INVALID_SPAN
        return
    traceparent = next((v for k, v in metadata if k == "traceparent" and isinstance(v, str)), "")
    with _tracer.start_as_current_span(
        f"{method.service}/{method.name}",
        context=context_from_traceparent(traceparent),
        kind=SpanKind.SERVER,
        attributes={
            "rpc.system": "grpc",
            "rpc.service": method.service,
            "rpc.method": method.name,
        },
        # The text of an exception may quote the client's words.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def _report_fault(method: Method, span: Span, error: Exception) -> ErrorDetails:
    request_id = secrets.token_hex(8)
    span.set_attribute("babelmill.request_id", request_id)
    _log.error(
        "call_failed",
        rpc_service=method.service,
        rpc_method=method.name,
        request_id=request_id,
        exc_info=error,
    )
    return internal_error(request_id)


def _mark(span: Span, details: ErrorDetails) -> None:
    span.set_attribute("rpc.grpc.status_code", details.code.value[0])
    span.set_attribute("error.type", details.reason)
    # Only faults of the server mark its span as failed (OpenTelemetry's
    # conventions for RPC servers); a refusal is the client's affair.
    if details.code in _SERVER_FAULTS:
        span.set_status(StatusCode.ERROR, details.reason)


_SERVER_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
