"""Each status code becomes its class, with all that the service said."""

import grpc
import pytest

from babelmill.client import errors
from babelmill.jobs.v1 import failure_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation, to_rpc_status

CLASSES = {
    "INVALID_ARGUMENT": errors.InvalidArgument,
    "NOT_FOUND": errors.NotFound,
    "ALREADY_EXISTS": errors.AlreadyExists,
    "FAILED_PRECONDITION": errors.FailedPrecondition,
    "OUT_OF_RANGE": errors.OutOfRange,
    "UNAUTHENTICATED": errors.Unauthenticated,
    "PERMISSION_DENIED": errors.PermissionDenied,
    "RESOURCE_EXHAUSTED": errors.ResourceExhausted,
    "ABORTED": errors.Aborted,
    "DATA_LOSS": errors.DataLoss,
    "UNAVAILABLE": errors.Unavailable,
    "DEADLINE_EXCEEDED": errors.DeadlineExceeded,
    "CANCELLED": errors.CallCancelled,
    "UNIMPLEMENTED": errors.Unimplemented,
    "INTERNAL": errors.Internal,
    "UNKNOWN": errors.Unknown,
}


def a_failed_call(details: ErrorDetails) -> grpc.RpcError:
    status = to_rpc_status(details)
    return grpc.aio.AioRpcError(
        status.code,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(*(status.trailing_metadata or ())),
        details=status.details,
    )


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name != "OK"])
def test_an_error_has_its_own_class_when_a_call_fails(code: grpc.StatusCode) -> None:
    error = errors.error_from_rpc(a_failed_call(ErrorDetails(code, "no")))
    assert type(error) is CLASSES[code.name]
    assert error.code is code
    assert str(error) == "no"


def test_an_error_carries_every_detail_when_the_service_sends_them() -> None:
    details = ErrorDetails(
        grpc.StatusCode.INVALID_ARGUMENT,
        "no such pair",
        reason="UNSUPPORTED_LANGUAGE_PAIR",
        metadata={"pairs": "en-pt"},
        violations=(FieldViolation("spec.x", "not a pair", "UNSUPPORTED"),),
        retry_after_seconds=2.5,
        quota_subject="tenant",
    )
    error = errors.error_from_rpc(a_failed_call(details))
    assert error.reason == "UNSUPPORTED_LANGUAGE_PAIR"
    assert dict(error.metadata) == {"pairs": "en-pt"}
    assert error.violations == details.violations
    assert error.retry_after_seconds == 2.5
    assert error.quota_subject == "tenant"


def test_an_error_says_what_it_is_when_no_message_came() -> None:
    error = errors.error_from_rpc(a_failed_call(ErrorDetails(grpc.StatusCode.NOT_FOUND, "")))
    assert str(error) == "There is no such job or artifact."


def test_a_timeout_can_be_caught_as_the_builtin_when_waiting() -> None:
    with pytest.raises(TimeoutError):
        raise errors.WaitTimeout


def test_a_failed_target_tells_its_reason_when_raised() -> None:
    error = errors.TargetFailed(
        failure_pb2.Failure(reason="ENGINE_FAILED", message="broke", metadata={"engine": "x"})
    )
    assert (error.reason, str(error), dict(error.metadata)) == (
        "ENGINE_FAILED",
        "broke",
        {"engine": "x"},
    )
