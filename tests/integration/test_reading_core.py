"""Lists, tokens and tenants on a real database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from job_service.application.outcomes import NewOutput
from job_service.application.queries import JobQuery
from job_service.application.submission import NewJob
from job_service.domain.content import digest_of
from job_service.domain.errors import JobNotFound, StorageUnavailable, Unauthenticated
from job_service.domain.job import JobState, Priority
from job_service.domain.principal import Principal, Role
from job_service.domain.spec import TranslateText
from job_service.storage.engine import open_database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory
from tests.integration.core import WORKER, Core, open_core


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def _listed(core: Core, query: JobQuery) -> list[str]:
    jobs, _ = core.queries.list_jobs(core.tenant, query, 100)
    return [job.labels.get("name", "") for job in jobs]


def _named(core: Core, name: str, priority: Priority = Priority.NORMAL, **labels: str) -> None:
    spec = TranslateText("en", ("pt",), text="hello")
    new = NewJob(spec=spec, priority=priority, labels={"name": name, **labels})
    core.submission.create(core.tenant, new)


def test_every_job_is_listed_once_when_read_page_by_page(core: Core) -> None:
    spec = TranslateText("en", ("pt",), text="x")
    batch = core.submission.create_batch(core.tenant, [NewJob(spec=spec)] * 25)
    seen, after = [], None
    while True:
        page, after = core.queries.list_jobs(core.tenant, JobQuery(), 10, after)
        seen += page
        # What comes in between belongs to the front and moves no page.
        core.create()
        if after is None:
            break
    assert len(seen) == 25
    assert {job.job_id for job in seen} == {one.job.job_id for one in batch}
    order = [(job.created_at, job.job_id) for job in seen]
    assert order == sorted(order, reverse=True)


def test_list_keeps_what_matches_when_filtered(core: Core) -> None:
    _named(core, "a", Priority.URGENT, team="x")
    _named(core, "b", team="y")
    _named(core, "c")
    running = core.queries.list_jobs(core.tenant, JobQuery(), 1)[0][0]
    core.start(running)
    assert _listed(core, JobQuery()) == ["c", "b", "a"]
    assert _listed(core, JobQuery(states=(JobState.IN_PROGRESS,))) == ["c"]
    assert _listed(core, JobQuery(states=(JobState.PENDING, JobState.QUEUED))) == ["b", "a"]
    assert _listed(core, JobQuery(priorities=(Priority.URGENT,))) == ["a"]
    assert _listed(core, JobQuery(labels={"team": "y"})) == ["b"]
    assert _listed(core, JobQuery(labels={"team": "y", "name": "a"})) == []
    assert _listed(core, JobQuery(labels={"team": "' OR 1=1 --"})) == []
    assert _listed(core, JobQuery(kinds=("translate_text",))) == ["c", "b", "a"]
    assert _listed(core, JobQuery(kinds=("transcode",))) == []
    assert _listed(core, JobQuery(created_after=running.created_at)) == []
    assert _listed(core, JobQuery(created_before=running.created_at)) == ["b", "a"]


def test_list_leaves_out_texts_and_steps(core: Core) -> None:
    core.create(body="a secret text")
    (job,) = core.queries.list_jobs(core.tenant, JobQuery(), 10)[0]
    assert isinstance(job.spec, TranslateText)
    assert job.spec.text is None
    assert job.steps == ()
    assert [target.key for target in job.targets] == ["pt"]


def test_nothing_is_found_when_the_job_is_another_tenants(core: Core) -> None:
    job = core.create()
    other = core.tokens.create_tenant("two")
    for tenant, job_id in ((other, job.job_id), (core.tenant, uuid4())):
        with pytest.raises(JobNotFound):
            core.queries.get_job(tenant, job_id)
        with pytest.raises(JobNotFound):
            core.queries.list_events(tenant, job_id, 0, 10)
    assert core.queries.list_jobs(other, JobQuery(), 10) == ([], None)
    with pytest.raises(JobNotFound):
        core.queries.progress_of(uuid4())


def test_progress_is_told_when_asked_for_alone(core: Core) -> None:
    job = core.create()
    state, sequence, progress = core.queries.progress_of(job.job_id)
    assert (state, sequence) == (JobState.PENDING, 1)
    assert progress == core.job(job).progress


def test_long_output_is_not_shown_inline_but_short_ones_are(core: Core) -> None:
    job = core.create("pt", "es")
    core.complete(core.start(job, 0), b"x" * 16_384)
    core.complete(core.start(job, 1), b"x" * 16_385)
    targets = core.job(job).targets
    assert targets[0].outputs[0].inline == b"x" * 16_384
    assert targets[1].outputs[0].inline is None


def test_outputs_keep_their_order_when_there_are_several(core: Core) -> None:
    job = core.create("pt")
    names = [f"{number}.txt" for number in range(20)]
    outputs = [
        NewOutput(filename=name, media_type="text/plain", digest=digest_of(b"x"), inline=b"x")
        for name in names
    ]
    core.outcomes.complete(WORKER, core.start(job), outputs)
    assert [output.filename for output in core.job(job).targets[0].outputs] == names


def test_token_tells_its_owner_until_it_is_revoked(core: Core) -> None:
    token = core.tokens.create_token(core.tenant, Role.WORKER)
    principal = core.tokens.authenticate(token)
    assert principal == Principal(core.tenant, Role.WORKER, principal.token_id)
    core.tokens.revoke_token(principal.token_id)
    with pytest.raises(Unauthenticated):
        core.tokens.authenticate(token)


def test_token_is_refused_when_expired_or_unknown(core: Core) -> None:
    now = core.queries.now()
    expired = core.tokens.create_token(core.tenant, Role.CLIENT, now - timedelta(seconds=1))
    good = core.tokens.create_token(core.tenant, Role.CLIENT, now + timedelta(hours=1))
    assert core.tokens.authenticate(good).role is Role.CLIENT
    for token in (expired, "", good[:-1], good + "x", "x" * 10_000, "\ud800", "a\x00b"):
        with pytest.raises(Unauthenticated):
            core.tokens.authenticate(token)


@pytest.mark.matrix(22)
def test_token_is_kept_as_a_hash_only(core: Core) -> None:
    token = core.tokens.create_token(core.tenant, Role.CLIENT)
    with core.database.engine.connect() as connection:
        row = connection.execute(text("SELECT tokens::text FROM tokens")).scalar_one()
    assert token not in row
    assert token.encode().hex() not in row


def test_tenant_is_the_same_when_created_again(core: Core) -> None:
    assert core.tokens.create_tenant("one") == core.tenant
    assert core.tokens.create_tenant("two") != core.tenant


def test_database_that_is_away_is_named_when_used() -> None:
    database = open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StorageUnavailable), SqlUnitOfWorkFactory(database).read() as uow:
        uow.now()
    database.close()


def test_lock_that_is_not_given_is_named_when_it_takes_too_long(core: Core) -> None:
    job = core.create()
    impatient = open_database(core.database.engine.url.render_as_string(hide_password=False))

    def wait() -> None:
        with SqlUnitOfWorkFactory(impatient).write() as waiter:
            waiter._connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            waiter.jobs.lock([job.job_id])

    with core.units.write() as holder:
        holder.jobs.lock([job.job_id])
        with pytest.raises(StorageUnavailable):
            wait()
    impatient.close()
