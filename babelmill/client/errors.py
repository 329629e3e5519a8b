"""What a call can raise: one class a gRPC status code, and the client's own.

Every error carries the status code, a message for people, the stable `reason`
for programs, and the details that the service sent. A class's docstring is
its default message.
"""

from collections.abc import Mapping
from types import MappingProxyType

import grpc

from babelmill.jobs.v1 import failure_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation, from_rpc_error


class BabelmillError(Exception):
    """The call did not succeed."""

    code = grpc.StatusCode.UNKNOWN

    def __init__(self, message: str = "", *, details: ErrorDetails | None = None) -> None:
        given = message or (details.message if details else "")
        super().__init__(given or (type(self).__doc__ or "").strip())
        self.message: str = self.args[0]
        self.reason: str = details.reason if details else ""
        self.metadata: Mapping[str, str] = MappingProxyType(
            dict(details.metadata) if details else {}
        )
        self.violations: tuple[FieldViolation, ...] = details.violations if details else ()
        self.retry_after_seconds: float | None = details.retry_after_seconds if details else None
        self.quota_subject: str = details.quota_subject if details else ""
        if details:
            self.code = details.code


class InvalidArgument(BabelmillError):
    """A field of the request is wrong; see `violations`."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(BabelmillError):
    """There is no such job or artifact."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(BabelmillError):
    """The id is taken by something else."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(BabelmillError):
    """The job or artifact is not in a state that allows this."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class OutOfRange(BabelmillError):
    """The position lies beyond the end."""

    code = grpc.StatusCode.OUT_OF_RANGE


class Unauthenticated(BabelmillError):
    """The call carries no valid token."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(BabelmillError):
    """The token may not make this call."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(BabelmillError):
    """A limit is reached; wait `retry_after_seconds` if it is set."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class Aborted(BabelmillError):
    """Something else came first; the call can be made again."""

    code = grpc.StatusCode.ABORTED


class DataLoss(BabelmillError):
    """The bytes are gone or damaged."""

    code = grpc.StatusCode.DATA_LOSS


class Unavailable(BabelmillError):
    """The service cannot be reached."""

    code = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(BabelmillError):
    """The service did not answer in time."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class CallCancelled(BabelmillError):
    """The call was cancelled before it was done."""

    code = grpc.StatusCode.CANCELLED


class Unimplemented(BabelmillError):
    """The service does not know this call: it may be of another version."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(BabelmillError):
    """The service met an error of its own."""

    code = grpc.StatusCode.INTERNAL


class Unknown(BabelmillError):
    """The service answered with an error that tells nothing."""

    code = grpc.StatusCode.UNKNOWN


class NotConfigured(BabelmillError):
    """No address is known: set BABELMILL_GRPC or start the service."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class StreamGap(DataLoss):
    """The watch would leave out an event."""


class DigestMismatch(DataLoss):
    """The bytes received are not those of the artifact's digest."""


class WaitTimeout(DeadlineExceeded, TimeoutError):
    """The job did not end in time; it goes on."""


class NoSuchTarget(NotFound):
    """The job has no such target."""


class ResultExpired(NotFound):
    """The result was kept for its time and is gone; submit the job again."""


class TargetNotFinished(FailedPrecondition):
    """The target has not finished; wait for the job."""


class TargetFailed(FailedPrecondition):
    """The target did not succeed; see `failure`."""

    def __init__(self, failure: failure_pb2.Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.reason = failure.reason
        self.metadata = MappingProxyType(dict(failure.metadata))


_BY_CODE: Mapping[grpc.StatusCode, type[BabelmillError]] = {
    cls.code: cls
    for cls in (
        InvalidArgument,
        NotFound,
        AlreadyExists,
        FailedPrecondition,
        OutOfRange,
        Unauthenticated,
        PermissionDenied,
        ResourceExhausted,
        Aborted,
        DataLoss,
        Unavailable,
        DeadlineExceeded,
        CallCancelled,
        Unimplemented,
        Internal,
        Unknown,
    )
}


def error_from_rpc(error: grpc.RpcError) -> BabelmillError:
    """Make the error of a failed call, sync or asyncio, with its details."""
    details = from_rpc_error(error)
    return _BY_CODE.get(details.code, Unknown)(details=details)
