"""Errors of calls become problems that tell enough and no more."""

import grpc
import pytest

from babelmill.client.errors import BabelmillError, InvalidArgument, Unavailable
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from gateway.problem_details import from_client_error, problem_of, problem_response


@pytest.mark.parametrize(
    ("reason", "status"), [("TOO_LARGE", 413), ("OUT_OF_SPACE", 507), ("ARTIFACT_EXPIRED", 410)]
)
def test_status_is_exact_when_reason_has_its_own(reason: str, status: int) -> None:
    details = ErrorDetails(grpc.StatusCode.RESOURCE_EXHAUSTED, "no", reason)
    assert from_client_error(BabelmillError(details=details)).status_code == status


def test_retry_is_advised_when_service_is_away() -> None:
    error = from_client_error(Unavailable("failed to connect to ipv4:127.0.0.1:50051"))
    assert (error.headers or {})["Retry-After"] == "1"
    assert "127.0.0.1" not in problem_of(error).detail


def test_wait_is_rounded_up_when_it_is_a_fraction() -> None:
    details = ErrorDetails(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "wait", "QUOTA", retry_after_seconds=1.01
    )
    error = from_client_error(BabelmillError(details=details))
    assert (error.headers or {})["Retry-After"] == "2"


def test_violations_are_kept_when_job_service_named_them() -> None:
    details = ErrorDetails(
        grpc.StatusCode.INVALID_ARGUMENT,
        "wrong",
        "UNSUPPORTED_LANGUAGE_PAIR",
        {"pairs": "en-pt"},
        (FieldViolation("spec.translate_text.target_languages[0]", "unknown"),),
    )
    problem = problem_of(from_client_error(InvalidArgument(details=details)))
    assert problem.status == 400
    assert problem.metadata == {"pairs": "en-pt"}
    assert problem.violations[0].field == "spec.translate_text.target_languages[0]"
    assert problem.violations[0].reason == "INVALID"


@pytest.mark.matrix(65)
def test_response_is_a_problem_document_when_built() -> None:
    response = problem_response(from_client_error(Unavailable()))
    assert response.media_type == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
