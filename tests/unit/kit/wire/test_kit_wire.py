"""Error details, reasons, broker messages and trace context on the wire."""

import uuid
from collections.abc import Mapping

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.wire.retry_policy import IDEMPOTENT_METHODS, service_config
from babelmill.kit.wire.status_details import (
    ErrorDetails,
    FieldViolation,
    from_rpc_error,
    to_rpc_status,
)
from babelmill.kit.wire.step_message import MalformedMessage, StepMessage, queue_name
from babelmill.kit.wire.trace_headers import context_from_traceparent, current_traceparent

STEP_ID = uuid.UUID("018f3c5e-7d1a-7cc3-9a51-1b2c3d4e5f60")


class _Error(grpc.RpcError):
    def __init__(
        self, code: grpc.StatusCode, message: str, trailing: tuple[tuple[str, bytes], ...]
    ) -> None:
        super().__init__()
        self._answer = (code, message, trailing)

    def code(self) -> grpc.StatusCode:
        return self._answer[0]

    def details(self) -> str:
        return self._answer[1]

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:  # type: ignore[override]  # as sent
        return self._answer[2]


def test_details_survive_when_written_and_read() -> None:
    details = ErrorDetails(
        grpc.StatusCode.INVALID_ARGUMENT,
        "wrong",
        reason="UNSUPPORTED_LANGUAGE_PAIR",
        metadata={"pairs": "en-pt"},
        violations=(FieldViolation("spec.text", "is empty", "EMPTY_TEXT"),),
        retry_after_seconds=1.25,
        quota_subject="tenant",
    )
    status = to_rpc_status(details)
    error = _Error(status.code, status.details, tuple(status.trailing_metadata))  # type: ignore[arg-type]  # stub's private type
    assert from_rpc_error(error) == details


@pytest.mark.parametrize("blob", [b"", b"\xff\xff", b"\x08\x05\x1a\x03\x0a\x01x"])
def test_code_and_message_are_all_there_is_when_details_are_damaged(blob: bytes) -> None:
    error = _Error(grpc.StatusCode.NOT_FOUND, "gone", (("grpc-status-details-bin", blob),))
    assert from_rpc_error(error) == ErrorDetails(grpc.StatusCode.NOT_FOUND, "gone")


def test_error_is_read_when_it_has_neither_code_nor_details() -> None:
    assert from_rpc_error(grpc.RpcError()) == ErrorDetails(grpc.StatusCode.UNKNOWN, "")


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.999_999_999_9, 1e300])
def test_retry_after_is_a_duration_when_the_figure_is_extreme(seconds: float) -> None:
    status = to_rpc_status(
        ErrorDetails(grpc.StatusCode.UNAVAILABLE, "", retry_after_seconds=seconds)
    )
    error = _Error(status.code, status.details, tuple(status.trailing_metadata))  # type: ignore[arg-type]  # stub's private type
    read = from_rpc_error(error).retry_after_seconds
    assert read is not None
    assert 0 <= read <= 315_576_000_000


def test_message_survives_when_written_and_read() -> None:
    message = StepMessage(STEP_ID, 7)
    assert StepMessage.from_kwargs({**message.to_kwargs(), "later": "ignored"}) == message


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"step_id": str(STEP_ID)},
        {"step_id": 5, "generation": 1},
        {"step_id": "x", "generation": 1},
        {"step_id": str(STEP_ID), "generation": "1"},
        {"step_id": str(STEP_ID), "generation": True},
        {"step_id": str(STEP_ID), "generation": 0},
        {"step_id": str(STEP_ID), "generation": 2**63},
        {"step_id": str(STEP_ID), "generation": 1.0},
        {"step_id": None, "generation": None},
    ],
)
def test_message_is_refused_when_it_is_malformed(kwargs: Mapping[str, object]) -> None:
    with pytest.raises(MalformedMessage):
        StepMessage.from_kwargs(kwargs)


def test_queue_is_named_when_family_and_priority_are_known() -> None:
    assert queue_name("translation", "urgent") == "translation.urgent"
    for family, priority in (("x", "low"), ("media", "LOW"), ("", "")):
        with pytest.raises(ValueError, match="unknown"):
            queue_name(family, priority)


def test_every_reason_is_its_word_and_says_what_it_means_when_listed() -> None:
    for reason in FailureReason:
        assert reason == reason.name == str(reason)
        assert reason.description.endswith(".")
        assert isinstance(reason.retryable, bool)
    assert FailureReason.STEP_TIMEOUT.retryable
    assert not FailureReason.CANCELLED.retryable


def test_creation_is_never_repeated_by_a_channel_when_the_service_is_away() -> None:
    assert not [name for _, name in IDEMPOTENT_METHODS if "Create" in name or "Upload" in name]
    assert '"UNAVAILABLE"' in service_config()


def test_traceparent_survives_when_a_span_is_current() -> None:
    assert current_traceparent() == ""
    with TracerProvider().get_tracer("test").start_as_current_span("x") as span:
        text = current_traceparent()
        read = trace.get_current_span(context_from_traceparent(text)).get_span_context()
        assert read.trace_id == span.get_span_context().trace_id
        assert read.span_id == span.get_span_context().span_id
        # The context holds the header's span alone, not the current one.
        empty = trace.get_current_span(context_from_traceparent("")).get_span_context()
        assert not empty.is_valid


@pytest.mark.matrix(56)
@pytest.mark.parametrize("text", ["", "x", "00-0-0-00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_there_is_no_span_when_the_traceparent_is_malformed(text: str) -> None:
    context = trace.get_current_span(context_from_traceparent(text)).get_span_context()
    assert not context.is_valid
