"""Which gRPC status each refusal becomes: the one table.

Clients act on the code and on ErrorInfo.reason; the text is for people.
"""

from collections.abc import Mapping

import grpc

from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from job_service.domain import errors

# All details travel as metadata, the message even twice, and peers refuse more
# than 8 KiB of metadata: better a cut list than a lost error.
_MAX_MESSAGE = 512
_MAX_FIELD = 200
_MAX_ALL_VIOLATIONS = 2560
_MAX_ALL_METADATA = 2048

_RETRY_UNAVAILABLE_SECONDS = 1.0


class Draining(errors.Refusal):
    """This server is going down; call again, and another one will answer."""

    reason = "DRAINING"


CODES: Mapping[type[errors.Refusal], grpc.StatusCode] = {
    errors.Refusal: grpc.StatusCode.FAILED_PRECONDITION,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.WrongRole: grpc.StatusCode.PERMISSION_DENIED,
    errors.JobNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ArtifactNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ArtifactExpired: grpc.StatusCode.NOT_FOUND,
    errors.ArtifactNotReady: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ArtifactDamaged: grpc.StatusCode.DATA_LOSS,
    errors.ArtifactExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.OffsetMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OffsetBeyondEnd: grpc.StatusCode.OUT_OF_RANGE,
    errors.SequenceBeyondEnd: grpc.StatusCode.OUT_OF_RANGE,
    errors.IdempotencyMismatch: grpc.StatusCode.ALREADY_EXISTS,
    errors.JobFinished: grpc.StatusCode.FAILED_PRECONDITION,
    errors.JobActive: grpc.StatusCode.FAILED_PRECONDITION,
    errors.JobSucceeded: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NotADeadLetter: grpc.StatusCode.FAILED_PRECONDITION,
    errors.GlossaryNotFound: grpc.StatusCode.NOT_FOUND,
    errors.TooManyGlossaries: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.WebhookNotFound: grpc.StatusCode.NOT_FOUND,
    errors.TooManyWebhooks: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.WebhookDisabled: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SecretsDisabled: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SecretGone: grpc.StatusCode.FAILED_PRECONDITION,
    errors.TenantNotFound: grpc.StatusCode.NOT_FOUND,
    errors.UserNotFound: grpc.StatusCode.NOT_FOUND,
    errors.TokenNotFound: grpc.StatusCode.NOT_FOUND,
    errors.TenantExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.UserExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.RoleTooHigh: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OwnAccount: grpc.StatusCode.FAILED_PRECONDITION,
    errors.StaleLease: grpc.StatusCode.ABORTED,
    errors.StepCancelled: grpc.StatusCode.ABORTED,
    errors.TooManyWaitingJobs: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.TooManyCalls: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.TooManyCallsAtOnce: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.QuotaUsedUp: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.SlowWatcher: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.TooManyWatchers: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.StorageUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.OutOfSpace: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Draining: grpc.StatusCode.UNAVAILABLE,
}

_QUOTAS = (
    errors.TooManyWaitingJobs,
    errors.TooManyWatchers,
    errors.TooManyGlossaries,
    errors.TooManyWebhooks,
    errors.TooManyCalls,
    errors.TooManyCallsAtOnce,
    errors.QuotaUsedUp,
)
_TOLD_WHEN = (errors.TooManyWaitingJobs, errors.TooManyCalls, errors.QuotaUsedUp)
_SOON = (errors.StorageUnavailable, errors.TooManyWatchers, errors.TooManyCallsAtOnce)


def code_of(refusal: errors.Refusal) -> grpc.StatusCode:
    """Find the code of the refusal's class, or of the nearest class above it."""
    return next(CODES[cls] for cls in type(refusal).__mro__ if cls in CODES)


def details_of(refusal: errors.Refusal, quota_subject: str = "") -> ErrorDetails:
    """Give what goes out on the wire; `quota_subject` names whose quota it is."""
    return ErrorDetails(
        code=code_of(refusal),
        message=_cut(str(refusal), _MAX_MESSAGE),
        reason=refusal.reason,
        metadata=_metadata(refusal),
        violations=_violations(refusal),
        retry_after_seconds=_retry_after_seconds(refusal),
        quota_subject=quota_subject if isinstance(refusal, _QUOTAS) else "",
    )


def internal_error(request_id: str) -> ErrorDetails:
    """Give the answer to a fault of ours: an id to find it in the logs, nothing else."""
    return ErrorDetails(
        code=grpc.StatusCode.INTERNAL,
        message="Something went wrong here. Its log entries carry this request id.",
        reason="INTERNAL",
        metadata={"request_id": request_id},
    )


def not_served() -> ErrorDetails:
    """Give the answer to a method that the contract has and this server has not."""
    return ErrorDetails(
        code=grpc.StatusCode.UNIMPLEMENTED, message="This server does not serve this method."
    )


def _metadata(refusal: errors.Refusal) -> dict[str, str]:
    room = _MAX_ALL_METADATA
    kept: dict[str, str] = {}
    for key, value in refusal.metadata.items():
        room -= len(key)
        if room <= 0:
            break
        kept[key] = _cut(value, room)
        room -= len(value)
    return kept


def _violations(refusal: errors.Refusal) -> tuple[FieldViolation, ...]:
    if not isinstance(refusal, errors.InvalidRequest):
        return ()
    room = _MAX_ALL_VIOLATIONS
    kept: list[FieldViolation] = []
    for found in refusal.violations:
        field, description = _cut(found.field, _MAX_FIELD), _cut(found.description, _MAX_FIELD)
        room -= len(field) + len(description) + len(found.reason)
        if kept and room < 0:
            break
        kept.append(FieldViolation(field, description, found.reason))
    return tuple(kept)


def _retry_after_seconds(refusal: errors.Refusal) -> float | None:
    if isinstance(refusal, _TOLD_WHEN):
        return refusal.retry_after.total_seconds()
    if isinstance(refusal, _SOON):
        return _RETRY_UNAVAILABLE_SECONDS
    if isinstance(refusal, Draining | errors.SlowWatcher):
        return 0.0
    return None


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
