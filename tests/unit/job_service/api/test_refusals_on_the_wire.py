"""Every refusal has its gRPC code and details that fit into metadata."""

from datetime import timedelta

import grpc
import pytest

from babelmill.kit.wire.status_details import to_rpc_status
from job_service.api.status import CODES, code_of, details_of, internal_error
from job_service.domain import errors
from job_service.domain.errors import Violation


def refusal_classes() -> list[type[errors.Refusal]]:
    return [
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.Refusal)
    ]


@pytest.mark.parametrize("cls", refusal_classes(), ids=lambda cls: cls.__name__)
def test_refusal_has_a_code_of_its_own_when_looked_up(cls: type[errors.Refusal]) -> None:
    assert cls in CODES


def test_subclass_has_its_parents_code_when_it_has_none() -> None:
    class Special(errors.JobNotFound):
        """Special."""

    assert code_of(Special()) is grpc.StatusCode.NOT_FOUND


def test_details_tell_whose_quota_when_it_is_exhausted() -> None:
    refusal = errors.TooManyWaitingJobs(timedelta(seconds=5))
    details = details_of(refusal, "tenant:t")
    assert details.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (details.retry_after_seconds, details.quota_subject) == (5.0, "tenant:t")
    assert details_of(errors.JobNotFound(), "tenant:t").quota_subject == ""


def test_details_fit_into_metadata_when_there_is_much_to_say() -> None:
    refusal = errors.InvalidRequest(
        *(Violation(f"requests[{n}]." + "f" * 500, "d" * 5000) for n in range(500)),
        pairs="en-pt " * 10_000,
    )
    details = details_of(refusal)
    packed = sum(len(k) + len(v) for k, v in to_rpc_status(details).trailing_metadata or ())
    assert packed < 8 * 1024
    assert details.violations[0].field.startswith("requests[0].")


@pytest.mark.matrix(65)
def test_internal_error_says_nothing_but_an_id_when_something_broke() -> None:
    details = internal_error("abc")
    assert details.code is grpc.StatusCode.INTERNAL
    assert details.metadata == {"request_id": "abc"}
