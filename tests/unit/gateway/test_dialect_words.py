"""Words of the dialects: states, stages, refused fields, settings, and guests."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from babelmill.jobs.v1 import job_pb2, step_pb2
from gateway.dialects import django, media, message_shapes, messages, record_shapes
from gateway.dialects.callers import caller_of, caller_or_guest
from gateway.dialects.jobs import field_in_words
from gateway.dialects.options import Dialect, DialectOptions
from gateway.dialects.pdf import stage_of
from gateway.dialects.words import Phase, phase_of, step_phase_of
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.settings import GatewaySettings

GUEST = Caller("Bearer guest")


@pytest.mark.parametrize("state", job_pb2.JobState.values())
def test_every_state_has_a_word_in_every_dialect_when_it_is_told(state: Any) -> None:
    phase = phase_of(state)
    for words in (django.STATUS, media.STATUS, message_shapes.STATUS, record_shapes.STATUS):
        assert words[phase]
    final = job_pb2.JobState.Name(state).removeprefix("JOB_STATE_") in {
        "COMPLETED", "PARTIALLY_COMPLETED", "FAILED", "DEAD_LETTERED", "CANCELLED", "EXPIRED",
    }  # fmt: skip
    assert final == (phase in {Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED})


@pytest.mark.parametrize("state", step_pb2.StepState.values())
def test_every_state_of_a_step_is_known_when_it_is_told(state: Any) -> None:
    assert state == step_pb2.STEP_STATE_UNSPECIFIED or step_phase_of(state) in Phase


def test_state_reads_as_running_when_a_newer_service_sends_it() -> None:
    newer: Any = 99
    assert phase_of(newer) is step_phase_of(newer) is Phase.RUNNING


@pytest.mark.parametrize(
    ("states", "stage"),
    [
        ({"extract": "QUEUED"}, "EXTRACTING"),
        ({"extract": "RETRY_WAIT"}, "EXTRACTING"),
        ({"extract": "COMPLETED", "translate_segments": "PENDING"}, "TRANSLATING"),
        (
            {"extract": "COMPLETED", "translate_segments": "COMPLETED", "adapt_tone": "QUEUED"},
            "CUSTOMIZING_TONE",
        ),
        # One language has failed, the other is put together.
        ({"extract": "COMPLETED", "translate_segments": "FAILED"}, "RECONSTRUCTING"),
    ],
)
def test_stage_is_the_first_that_has_not_ended_when_a_job_runs(
    states: dict[str, str], stage: str
) -> None:
    job = job_pb2.Job(state=job_pb2.JOB_STATE_IN_PROGRESS)
    for kind, state in states.items():
        job.steps.add(kind=kind, state=step_pb2.StepState.Value(f"STEP_STATE_{state}"))
    job.steps.add(kind="reconstruct", state=step_pb2.STEP_STATE_BLOCKED)
    assert stage_of(job) == stage


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("spec.translate_text.text", "content"),
        ("spec.translate_text.target_languages", "metadata.target_language"),
        ("spec.translate_text.target_languages[0]", "metadata.target_language"),
        ("spec.translate_text.options.engines[0]", "model_name"),
        ("spec.translate_text.options.tone", "options.tone"),
        ("requests[3].spec.translate_text.text", "jobs[3].content"),
        ("request_id", "request_id"),
        ("labels[x]", "labels[x]"),
    ],
)
def test_field_is_named_as_the_client_knows_it_when_refused(path: str, field: str) -> None:
    assert field_in_words(path, messages.FIELDS) == field


def request_of(**headers: str) -> Request:
    """A request to an application with a guest."""

    class App:
        class state:  # noqa: N801 - as the framework calls it
            dialects = DialectOptions(guest=GUEST)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "app": App})


@pytest.mark.parametrize(
    ("headers", "is_guest"),
    [
        ({}, True),
        ({"host": "gateway:8000"}, True),
        ({"host": "127.0.0.1:8000", "sec_fetch_site": "none"}, True),
        ({"host": "127.0.0.1:8000", "sec_fetch_site": "same-origin"}, True),
        ({"host": "[::1]:8000", "sec_fetch_site": "same-origin", "origin": "http://[::1]"}, True),
        ({"host": "localhost", "sec_fetch_site": "same-origin"}, True),
        ({"host": "rebound.example:8000", "sec_fetch_site": "same-origin"}, False),
        ({"host": "127.0.0.1.example", "sec_fetch_site": "same-origin"}, False),
        ({"host": "127.0.0.1:8000", "sec_fetch_site": "cross-site"}, False),
        ({"host": "127.0.0.1:8000", "sec_fetch_site": "same-site"}, False),
        ({"host": "127.0.0.1:8000", "origin": "https://elsewhere.example"}, False),
        ({"host": "127.0.0.1:8000", "origin": "null"}, False),
    ],
)
def test_guest_is_let_in_only_when_no_page_of_elsewhere_asks(
    headers: dict[str, str], is_guest: bool
) -> None:
    assert caller_or_guest(request_of(**headers), None) == (GUEST if is_guest else Caller())


def test_guest_is_not_used_when_the_request_has_credentials() -> None:
    assert caller_or_guest(request_of(), "Token mine") == Caller("Bearer mine")
    with pytest.raises(ProblemError):
        caller_or_guest(request_of(), "Basic mine")


@pytest.mark.parametrize("scheme", ["Token", "token", "Bearer", "BEARER"])
def test_token_is_passed_on_as_a_bearer_when_given(scheme: str) -> None:
    assert caller_of(f"{scheme} abc") == Caller("Bearer abc")


@pytest.mark.parametrize("header", ["Token", "Token ", "abc", "Basic abc", "Token a\tb", "Token é"])
def test_credentials_are_refused_when_they_cannot_travel(header: str) -> None:
    with pytest.raises(ProblemError, check=lambda refused: refused.status_code == 401):
        caller_of(header)


@pytest.mark.parametrize(
    ("names", "spoken"),
    [("none", []), ("django", [Dialect.DJANGO]), ("pdf, media", [Dialect.PDF, Dialect.MEDIA])],
)
def test_dialects_are_those_that_are_named_when_set(names: str, spoken: list[Dialect]) -> None:
    settings = GatewaySettings.model_validate({"gateway_dialects": names})
    assert settings.dialects.spoken == frozenset(spoken)


def test_all_dialects_are_spoken_and_nobody_is_a_guest_when_nothing_is_set() -> None:
    options = GatewaySettings().dialects
    assert options.spoken == frozenset(Dialect)
    assert options.guest is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"gateway_dialects": "klingon"},
        {"gateway_guest_token_file": "/nowhere/token"},
        {"gateway_chat_base_url": "ftp://models.example"},
    ],
)
def test_settings_are_refused_when_they_cannot_work(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate(wrong)


def test_guest_has_the_token_of_the_file_when_set(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret-token\n")
    settings = GatewaySettings.model_validate({"gateway_guest_token_file": file})
    assert settings.dialects.guest == Caller("Bearer secret-token")
    assert "secret-token" not in repr(settings.dialects)
    file.write_text("\n")
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({"gateway_guest_token_file": file})


def test_key_is_not_in_the_words_when_a_message_is_written_out() -> None:
    given = message_shapes.NewMessage(
        content="x",
        api_key="sk-secret",
        metadata=message_shapes.MessageMetadata(target_language="pt"),
    )
    assert "sk-secret" not in repr(given)
