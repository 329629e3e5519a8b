"""Exit codes that scripts can rely on."""

import pytest

from babelmill.cli.exit_codes import ExitCode, code_of_error, code_of_job, describe_error
from babelmill.client import errors
from babelmill.jobs.v1 import job_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.Unavailable, ExitCode.UNREACHABLE),
        (errors.DeadlineExceeded, ExitCode.UNREACHABLE),
        (errors.NotConfigured, ExitCode.UNREACHABLE),
        (errors.Internal, ExitCode.UNREACHABLE),
        (errors.InvalidArgument, ExitCode.REFUSED),
        (errors.NotFound, ExitCode.REFUSED),
        (errors.Unauthenticated, ExitCode.REFUSED),
        (errors.PermissionDenied, ExitCode.REFUSED),
        (errors.FailedPrecondition, ExitCode.REFUSED),
        (errors.AlreadyExists, ExitCode.REFUSED),
        (errors.ResourceExhausted, ExitCode.REFUSED),
        (errors.DigestMismatch, ExitCode.JOB_NOT_COMPLETED),
        (errors.StreamGap, ExitCode.JOB_NOT_COMPLETED),
    ],
)
def test_the_code_tells_who_must_act_when_a_call_fails(
    kind: type[errors.BabelmillError], code: ExitCode
) -> None:
    assert code_of_error(kind()) is code


@pytest.mark.parametrize("state", job_pb2.JobState.values())
def test_only_a_completed_job_is_done_when_it_ends(state: job_pb2.JobState.ValueType) -> None:
    expected = ExitCode.DONE if state == job_pb2.JOB_STATE_COMPLETED else 1
    assert code_of_job(job_pb2.Job(state=state)) == expected


def test_the_wait_is_told_when_the_service_names_one() -> None:
    error = errors.ResourceExhausted(
        details=ErrorDetails(
            errors.ResourceExhausted.code,
            "too many waiting jobs",
            reason="TOO_MANY_WAITING_JOBS",
            retry_after_seconds=2.0,
        )
    )
    assert describe_error(error, "h:1") == [
        "too many waiting jobs [TOO_MANY_WAITING_JOBS]",
        "  try again after 2 s",
    ]


def test_the_way_in_is_told_when_the_token_is_wrong() -> None:
    assert "BABELMILL_TOKEN" in describe_error(errors.Unauthenticated(), "h:1")[0]


def test_a_wrong_field_is_told_once_when_it_is_the_message() -> None:
    violations = (FieldViolation("a", "is wrong"), FieldViolation("b", "is too"))
    only = ErrorDetails(errors.InvalidArgument.code, "a: is wrong", violations=violations[:1])
    both = ErrorDetails(errors.InvalidArgument.code, "two are wrong", violations=violations)
    assert describe_error(errors.InvalidArgument(details=only), "") == ["a: is wrong"]
    assert describe_error(errors.InvalidArgument(details=both), "") == [
        "two are wrong",
        "  a: is wrong",
        "  b: is too",
    ]
