"""Any bytes to any method of the gRPC door: a typed answer, and a server that lives."""

import importlib
import pkgutil
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from babelmill.jobs import v1 as jobs
from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.wire.status_details import from_rpc_error
from babelmill.media import v1 as media
from babelmill.translation import v1 as translation
from tests.security.doors import Doors, Metadata
from tests.security.message_strategies import loose_fields, own_messages

# A job that was made by chance must not stand in the way of the next ones.
ENVIRONMENT = {"BABELMILL_MAX_WAITING_JOBS": "100000"}
DEADLINE_SECONDS = 20
# What a caller may be told who sent nonsense; never UNKNOWN, INTERNAL or UNAVAILABLE.
TYPED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.PERMISSION_DENIED,
}
FUZZ = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def methods(*modules: object) -> dict[str, MethodDescriptor]:
    return {
        f"/{service.full_name}/{method.name}": method
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()  # type: ignore[attr-defined]  # every stub has it
        for method in service.methods
    }


def service_modules() -> list[object]:
    """Every service of the contract: a new one is fuzzed without a word here."""
    return [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in (jobs, translation, media)
        for found in pkgutil.iter_modules(package.__path__)
        if found.name.endswith("_service_pb2") and found.name != "worker_service_pb2"
    ]


CLIENT_METHODS = methods(*service_modules())
WORKER_METHODS = methods(worker_service_pb2)


@st.composite
def calls(draw: st.DrawFn, found: dict[str, MethodDescriptor]) -> tuple[str, list[bytes]]:
    """A method and what is sent to it."""
    path = draw(st.sampled_from(sorted(found)))
    own = own_messages(found[path].input_type).map(lambda each: each.SerializeToString())
    sent = st.one_of(own, own, own, loose_fields(), st.binary(max_size=200))
    most = 3 if found[path].client_streaming else 1
    return path, draw(st.lists(sent, min_size=1, max_size=most))


@pytest.fixture(scope="module")
def worker_channel(doors: Doors) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(doors.worker_address) as channel:
        yield channel


def assert_typed(channel: grpc.Channel, path: str, sent: list[bytes], metadata: Metadata) -> None:
    method: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
    call = method(iter(sent), metadata=metadata, timeout=DEADLINE_SECONDS)
    try:
        # A watch goes on for ever, and its first message is answer enough.
        next(call, None)
    except grpc.RpcError as error:
        details = from_rpc_error(error)
        assert details.code in TYPED, (path, details)
        assert details.reason, (path, details)
    finally:
        call.cancel()


@pytest.mark.matrix(3, 4, 15, 16)
@FUZZ
@given(call=calls(CLIENT_METHODS))
@example(call=("/babelmill.jobs.v1.JobService/CreateJob", [b"\x0a" * 3000]))
@example(call=("/babelmill.jobs.v1.JobService/CreateJob", [b"\x0b" * 3000]))
def test_client_is_answered_by_name_when_it_sends_anything(
    doors: Doors, channel: grpc.Channel, call: tuple[str, list[bytes]]
) -> None:
    assert_typed(channel, *call, doors.client)


@pytest.mark.matrix(3, 4, 15, 16)
@FUZZ
@given(call=calls(WORKER_METHODS))
def test_worker_is_answered_by_name_when_it_sends_anything(
    doors: Doors, worker_channel: grpc.Channel, call: tuple[str, list[bytes]]
) -> None:
    assert_typed(worker_channel, *call, doors.worker)


@pytest.mark.matrix(65)
def test_service_has_met_no_defect_when_all_was_sent(doors: Doors) -> None:
    assert doors.service.popen.poll() is None
    assert doors.service.logged("call_failed") == []
