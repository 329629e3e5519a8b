"""Tenants' quotas on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from job_service.application.limits import Limits
from job_service.application.outcomes import NewOutput
from job_service.application.submission import NewJob
from job_service.application.uploads import UploadRequest
from job_service.domain.content import digest_of
from job_service.domain.errors import QuotaUsedUp
from job_service.domain.job import Job, Usage
from job_service.domain.quota import Amount, Quotas, Used
from job_service.domain.spec import TranslateText
from tests.integration.core import WORKER, Core, open_core

QUOTAS = Quotas(bytes_per_day=1000, characters_per_month=100)


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts", Limits(quotas=QUOTAS)) as opened:
        yield opened


def _used(core: Core) -> Used:
    with core.units.read() as uow:
        return uow.usage.used(core.tenant, uow.now())


def _finish(core: Core, job: Job, characters: int) -> None:
    output = NewOutput(
        filename="pt.txt", media_type="text/plain", digest=digest_of(b"ola"), inline=b"ola"
    )
    usage = Usage(engine_characters=characters)
    core.outcomes.complete(WORKER, core.start(job), [output], usage)


def _upload(core: Core, size_bytes: int, *, declared: bool = True) -> None:
    data = b"x" * size_bytes
    digest = digest_of(data) if declared else None
    request = UploadRequest(filename="a.bin", media_type="application/octet-stream", digest=digest)
    begun = core.uploads.begin(core.tenant, request)
    core.uploads.append(core.tenant, begun.artifact_id, 0, data)
    core.uploads.finish(core.tenant, begun.artifact_id)


def test_upload_is_refused_when_its_size_does_not_fit_the_day(core: Core) -> None:
    _upload(core, 600)
    assert _used(core).day == Amount(bytes=600)
    with pytest.raises(QuotaUsedUp) as refused:
        _upload(core, 401)
    assert refused.value.metadata == {
        "quota": "bytes_per_day",
        "limit": "1000",
        "used": "600",
        "asked": "401",
    }
    assert 0 < refused.value.retry_after.total_seconds() <= 24 * 3600
    _upload(core, 400)
    assert _used(core).month.bytes == 1000
    with pytest.raises(QuotaUsedUp):
        _upload(core, 1, declared=False)
    with pytest.raises(QuotaUsedUp):
        core.create(body="x")


def test_upload_is_charged_once_when_it_is_finished_again(core: Core) -> None:
    data = b"y" * 100
    request = UploadRequest(filename="a.bin", media_type="text/plain", digest=digest_of(data))
    begun = core.uploads.begin(core.tenant, request)
    core.uploads.append(core.tenant, begun.artifact_id, 0, data)
    for _ in range(2):
        core.uploads.finish(core.tenant, begun.artifact_id)
    assert _used(core).day == Amount(bytes=100)


def test_texts_within_specs_are_charged_once_when_the_request_is_repeated(core: Core) -> None:
    for _ in range(3):
        core.create(body="x" * 30, request_id="same")
    assert _used(core).day == Amount(bytes=30)


def test_text_is_refused_when_its_characters_do_not_fit_for_all_languages(core: Core) -> None:
    with pytest.raises(QuotaUsedUp) as refused:
        core.create("pt", "es", body="x" * 51)
    assert refused.value.metadata["quota"] == "characters_per_month"
    assert refused.value.metadata["asked"] == "102"
    assert _used(core) == Used()
    core.create("pt", "es", body="x" * 50)


def test_job_is_refused_when_earlier_ones_have_used_the_characters_up(core: Core) -> None:
    _finish(core, core.create(body="x" * 10), characters=60)
    assert _used(core).month.characters == 60
    waiting = core.create(body="x" * 40)
    with pytest.raises(QuotaUsedUp):
        core.create(body="x" * 41)
    # What was accepted is finished, whatever it turns out to need.
    _finish(core, waiting, characters=55)
    assert _used(core).month.characters == 115
    with pytest.raises(QuotaUsedUp):
        core.create(body="x")


def test_characters_are_counted_when_no_quota_is_set(database_url: str, tmp_path: Path) -> None:
    with open_core(database_url, tmp_path / "artifacts") as core:
        _finish(core, core.create(body="x" * 10), characters=10)
        _finish(core, core.create(body="x" * 10), characters=7)
        assert _used(core).month.characters == 17


def test_quota_begins_anew_when_the_day_and_the_month_are_over(core: Core) -> None:
    _upload(core, 1000)
    core.execute("UPDATE tenant_usage SET day = day - 1")
    _upload(core, 1000)
    core.execute("UPDATE tenant_usage SET day = day - 40, characters = 100")
    assert _used(core) == Used()
    core.create(body="x" * 100)


def test_quota_is_each_tenants_own(core: Core) -> None:
    _upload(core, 1000)
    other = core.tokens.create_tenant("other")
    spec = TranslateText("en", ("pt",), text="x" * 100)
    assert core.submission.create(other, NewJob(spec=spec)).created
