"""Named refusals. A class's docstring is its default message.

`reason` is what clients see in google.rpc.ErrorInfo; api/status.py alone
knows which gRPC code each becomes.
"""

from dataclasses import dataclass
from datetime import timedelta


class Refusal(Exception):
    """The request cannot be granted."""

    reason = "REFUSED"

    def __init__(self, message: str = "", **metadata: str) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.metadata = metadata


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field, named by its path in the request."""

    field: str
    description: str
    reason: str = "INVALID"


class InvalidRequest(Refusal):
    """One or more fields of the request are wrong."""

    reason = "INVALID_REQUEST"

    def __init__(self, *violations: Violation, reason: str = "", **metadata: str) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations), **metadata)
        self.violations = violations
        if reason:
            self.reason = reason


class Unauthenticated(Refusal):
    """The call carries no valid token."""

    reason = "UNAUTHENTICATED"


class WrongRole(Refusal):
    """The token's role may not make this call."""

    reason = "WRONG_ROLE"


class JobNotFound(Refusal):
    """There is no such job."""

    reason = "JOB_NOT_FOUND"


class ArtifactNotFound(Refusal):
    """There is no such artifact."""

    reason = "ARTIFACT_NOT_FOUND"


class ArtifactExpired(ArtifactNotFound):
    """The artifact was kept for its time; its bytes have been removed."""

    reason = "ARTIFACT_EXPIRED"


class ArtifactNotReady(Refusal):
    """The artifact's upload has not finished."""

    reason = "ARTIFACT_NOT_READY"


class ArtifactDamaged(Refusal):
    """The artifact's bytes are gone or do not match its digest."""

    reason = "ARTIFACT_DAMAGED"


class ArtifactExists(Refusal):
    """The artifact id is taken by other content."""

    reason = "ARTIFACT_EXISTS"


class OffsetMismatch(Refusal):
    """The upload must go on at the offset that has been received."""

    reason = "OFFSET_MISMATCH"


class OffsetBeyondEnd(Refusal):
    """The offset lies beyond the end of the content."""

    reason = "OFFSET_BEYOND_END"


class SequenceBeyondEnd(Refusal):
    """after_sequence lies beyond the job's newest event."""

    reason = "SEQUENCE_BEYOND_END"


class IdempotencyMismatch(Refusal):
    """The request_id was used before with another body."""

    reason = "IDEMPOTENCY_MISMATCH"


class JobFinished(Refusal):
    """The job has already ended."""

    reason = "JOB_FINISHED"


class JobActive(Refusal):
    """The job has not ended yet."""

    reason = "JOB_ACTIVE"


class JobSucceeded(Refusal):
    """The job has succeeded, so there is nothing to retry."""

    reason = "JOB_SUCCEEDED"


class NotADeadLetter(Refusal):
    """The job is not dead-lettered."""

    reason = "NOT_A_DEAD_LETTER"


class GlossaryNotFound(Refusal):
    """There is no such glossary."""

    reason = "GLOSSARY_NOT_FOUND"


class TooManyGlossaries(Refusal):
    """The tenant has as many glossaries as it may."""

    reason = "TOO_MANY_GLOSSARIES"


class WebhookNotFound(Refusal):
    """There is no such webhook."""

    reason = "WEBHOOK_NOT_FOUND"


class TooManyWebhooks(Refusal):
    """The tenant has as many webhooks as it may."""

    reason = "TOO_MANY_WEBHOOKS"


class WebhookDisabled(Refusal):
    """The webhook is disabled; enable it first."""

    reason = "WEBHOOK_DISABLED"


class SecretsDisabled(Refusal):
    """This server has no key to keep secrets with, so it takes no api_key and no webhook."""

    reason = "SECRETS_DISABLED"


class SecretGone(Refusal):
    """The job's api_key was deleted when it ended; give one anew."""

    reason = "SECRET_GONE"


class StaleLease(Refusal):
    """The lease is not the step's newest."""

    reason = "STALE_LEASE"


class StepCancelled(Refusal):
    """The step was cancelled meanwhile."""

    reason = "STEP_CANCELLED"


class TooManyWaitingJobs(Refusal):
    """The tenant has as many waiting jobs as it may."""

    reason = "TOO_MANY_WAITING_JOBS"

    def __init__(self, retry_after: timedelta, **metadata: str) -> None:
        super().__init__(**metadata)
        self.retry_after = retry_after


class TooManyCalls(Refusal):
    """The tenant calls more often than it may."""

    reason = "TOO_MANY_CALLS"

    def __init__(self, retry_after: timedelta, **metadata: str) -> None:
        super().__init__(**metadata)
        self.retry_after = retry_after


class TooManyCallsAtOnce(Refusal):
    """The tenant has as many calls under way as it may."""

    reason = "TOO_MANY_CALLS_AT_ONCE"


class QuotaUsedUp(Refusal):
    """The tenant has used what it may until the day or month ends."""

    reason = "QUOTA_USED_UP"

    def __init__(self, retry_after: timedelta, **metadata: str) -> None:
        super().__init__(**metadata)
        self.retry_after = retry_after


class TooLarge(Refusal):
    """The content is larger than the service accepts."""

    reason = "TOO_LARGE"


class SlowWatcher(Refusal):
    """The client reads its watch too slowly; resume after the last sequence."""

    reason = "SLOW_WATCHER"


class TooManyWatchers(Refusal):
    """This server has as many watchers as it can serve."""

    reason = "TOO_MANY_WATCHERS"


class StorageUnavailable(Refusal):
    """The database or the artifact store cannot be reached; try again."""

    reason = "STORAGE_UNAVAILABLE"


class OutOfSpace(Refusal):
    """There is no space left to store more."""

    reason = "OUT_OF_SPACE"


class TenantNotFound(Refusal):
    """There is no such tenant."""

    reason = "TENANT_NOT_FOUND"


class UserNotFound(Refusal):
    """The tenant has no such user."""

    reason = "USER_NOT_FOUND"


class TokenNotFound(Refusal):
    """There is no such token."""

    reason = "TOKEN_NOT_FOUND"


class TenantExists(Refusal):
    """There is a tenant of this name."""

    reason = "TENANT_EXISTS"


class UserExists(Refusal):
    """The tenant has a user of this name."""

    reason = "USER_EXISTS"


class RoleTooHigh(Refusal):
    """The user may have no token of this role."""

    reason = "ROLE_TOO_HIGH"


class OwnAccount(Refusal):
    """It is what the call itself was made with; use another token."""

    reason = "OWN_ACCOUNT"
