"""A job's key: given to its workers alone, and gone with the job, on a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from job_service.application.leasing import LeaseRequest
from job_service.application.limits import Limits
from job_service.application.secret_box import SecretBox
from job_service.application.submission import NewJob
from job_service.domain.errors import (
    IdempotencyMismatch,
    InvalidRequest,
    SecretGone,
    SecretsDisabled,
)
from job_service.domain.job import Job, JobState
from job_service.domain.retry_policy import RetryPolicy
from job_service.domain.spec import TranslateText
from job_service.domain.translation import ChatModel, TranslationOptions
from tests.integration.core import FLAKY, HOPELESS, WORKER, Core, open_core

KEY = "sk-canary-4b1d"
SPEC = TranslateText(
    "en",
    ("pt",),
    text="hello",
    options=TranslationOptions(chat_model=ChatModel("https://llm.example/v1", "m", True)),
)


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    limits = Limits(retry=RetryPolicy(max_application_failures=1))
    with open_core(database_url, tmp_path / "artifacts", limits, SecretBox(bytes(32))) as opened:
        yield opened


def _submit(core: Core, key: str = KEY, **given: object) -> Job:
    new = NewJob(spec=SPEC, chat_api_key=key, **given)  # type: ignore[arg-type] # the test's fields
    return core.submission.create(core.tenant, new).job


def _kept(core: Core) -> dict[UUID, bytes]:
    with core.database.engine.begin() as connection:
        rows = connection.execute(text("SELECT job_id, ciphertext FROM job_secrets"))
        return {row.job_id: bytes(row.ciphertext) for row in rows}


def test_key_is_leased_to_the_worker_and_kept_only_encrypted(core: Core) -> None:
    job = _submit(core)
    assert KEY.encode() not in _kept(core)[job.job_id]
    granted = core.acquire(core.step(job))
    assert granted.chat_api_key == KEY
    assert KEY not in repr(granted)
    assert KEY not in repr(core.job(job))


@pytest.mark.matrix(53)
@pytest.mark.parametrize("end", ["complete", "reject", "exhaust", "cancel", "deadline"])
def test_key_is_gone_when_the_job_ends_in_whatever_way(core: Core, end: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.5) if end == "deadline" else None
    job = _submit(core, deadline_at=soon)
    assert job.job_id in _kept(core)
    match end:
        case "complete":
            core.complete(core.start(job))
        case "reject":
            core.fail(core.start(job), HOPELESS)
        case "exhaust":
            core.fail(core.start(job), FLAKY)
        case "cancel":
            core.cancellation.cancel(core.tenant, job.job_id)
        case _:
            core.execute("UPDATE jobs SET deadline_at = now() - interval '1 second'")
            core.reaper.run_once()
    assert core.job(job).finished_at is not None
    assert _kept(core) == {}


@pytest.mark.matrix(53)
def test_step_fails_by_name_when_another_jobs_key_was_put_in_its_place(core: Core) -> None:
    job, other = _submit(core), _submit(core)
    swapped = _kept(core)[other.job_id]
    core.execute("UPDATE job_secrets SET ciphertext = :other", other=swapped)
    step = core.step(job)
    request = LeaseRequest(step.step_id, step.generation, uuid4())
    assert core.leasing.acquire(WORKER, [request]) == ([], [request])
    failed = core.job(job)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert failed.error.reason == "SECRET_UNREADABLE"
    assert core.acquire(core.step(other)).chat_api_key == KEY


def test_key_is_refused_when_there_is_nothing_to_keep_it_with(
    database_url: str, tmp_path: Path
) -> None:
    with (
        open_core(database_url, tmp_path / "artifacts") as core,
        pytest.raises(SecretsDisabled),
    ):
        _submit(core)


def test_request_is_another_when_its_key_is(core: Core) -> None:
    first = _submit(core, request_id="r")
    assert _submit(core, request_id="r").job_id == first.job_id
    with pytest.raises(IdempotencyMismatch):
        _submit(core, "another-key", request_id="r")


def test_job_is_done_again_only_with_a_key_given_anew(core: Core) -> None:
    job = _submit(core)
    core.fail(core.start(job), FLAKY)
    with pytest.raises(SecretGone):
        core.retrying.retry(core.tenant, job.job_id)
    with pytest.raises(SecretGone):
        core.dead_letters.replay(core.tenant, [job.job_id])
    again = core.retrying.retry(core.tenant, job.job_id, chat_api_key="sk-new").job
    assert core.acquire(core.step(again)).chat_api_key == "sk-new"


def test_key_is_refused_when_the_job_had_no_model_for_it(core: Core) -> None:
    job = core.create()
    core.fail(core.start(job), FLAKY)
    with pytest.raises(InvalidRequest, match="chat_api_key"):
        core.retrying.retry(core.tenant, job.job_id, chat_api_key=KEY)
