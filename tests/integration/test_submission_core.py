"""Accepting jobs on a real database: once for each request_id, all or none."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from job_service.application.limits import Limits
from job_service.application.queries import JobQuery
from job_service.application.submission import NewJob
from job_service.application.uploads import UploadRequest
from job_service.domain.catalog import (
    Engine,
    LanguagePair,
    Preset,
    PresetKind,
    RouteHop,
    WorkerAnnouncement,
)
from job_service.domain.errors import (
    ArtifactNotFound,
    ArtifactNotReady,
    IdempotencyMismatch,
    InvalidRequest,
    TooManyWaitingJobs,
)
from job_service.domain.job import JobState, Priority
from job_service.domain.spec import Transcode, TranslateText
from tests.integration.core import Core, open_core

SPEC = TranslateText("en", ("pt",), text="hello")
NEW = NewJob(spec=SPEC, request_id="r1", labels={"a": "b"})


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def _count(core: Core) -> int:
    return len(core.queries.list_jobs(core.tenant, JobQuery(), 1000)[0])


def test_job_is_whole_when_read_back(core: Core) -> None:
    deadline = datetime.now(UTC) + timedelta(hours=1)
    new = replace(
        NEW,
        priority=Priority.URGENT,
        deadline_at=deadline,
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
    )
    created = core.submission.create(core.tenant, new)
    assert created.created
    read = core.queries.get_job(core.tenant, created.job.job_id)
    assert read == created.job
    assert read.spec == SPEC
    assert read.trace_id == "a" * 32
    assert read.job_id.version == 7
    assert core.signals.pending == 1


def test_same_job_comes_back_when_the_request_is_repeated(core: Core) -> None:
    first = core.submission.create(core.tenant, NEW)
    again = core.submission.create(core.tenant, replace(NEW, traceparent="00-1-2-01"))
    assert (again.job.job_id, again.created) == (first.job.job_id, False)
    assert _count(core) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(NEW, spec=replace(SPEC, text="hello!")),
        replace(NEW, spec=replace(SPEC, target_languages=("es",))),
        replace(NEW, priority=Priority.LOW),
        replace(NEW, labels={"a": "c"}),
        replace(NEW, deadline_at=datetime(2100, 1, 1, tzinfo=UTC)),
    ],
)
def test_request_is_refused_when_its_id_had_another_body(core: Core, other: NewJob) -> None:
    core.submission.create(core.tenant, NEW)
    with pytest.raises(IdempotencyMismatch):
        core.submission.create(core.tenant, other)


def test_one_job_is_made_when_the_same_request_comes_many_times_at_once(core: Core) -> None:
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda _: core.submission.create(core.tenant, NEW), range(24)))
    assert len({one.job.job_id for one in made}) == 1
    assert sum(one.created for one in made) == 1
    assert _count(core) == 1


def test_one_body_wins_when_two_race_for_one_id(core: Core) -> None:
    bodies = [replace(NEW, spec=replace(SPEC, text=f"text {n}")) for n in range(12)]

    def attempt(new: NewJob) -> UUID | None:
        try:
            return core.submission.create(core.tenant, new).job.job_id
        except IdempotencyMismatch:
            return None

    with ThreadPoolExecutor(12) as pool:
        made = [job_id for job_id in pool.map(attempt, bodies) if job_id]
    assert len(made) == 1
    assert _count(core) == 1


def test_batches_converge_when_they_overlap_in_opposite_orders(core: Core) -> None:
    batch = [replace(NEW, request_id=f"r{n}") for n in range(20)]

    def submit(turn: int) -> list[UUID]:
        ordered = batch if turn % 2 else batch[::-1]
        made = core.submission.create_batch(core.tenant, ordered)
        return sorted(one.job.job_id for one in made)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(submit, range(16)))
    assert all(ids == made[0] for ids in made)
    assert _count(core) == 20


def test_batch_keeps_its_order_when_some_requests_were_made_before(core: Core) -> None:
    known = core.submission.create(core.tenant, NEW).job
    fresh = NewJob(spec=SPEC)
    made = core.submission.create_batch(core.tenant, [fresh, NEW, fresh, NEW])
    assert [one.created for one in made] == [True, False, True, False]
    assert made[1].job.job_id == made[3].job.job_id == known.job_id
    assert len({one.job.job_id for one in made}) == 3


def test_request_makes_one_job_when_it_is_twice_in_a_batch(core: Core) -> None:
    made = core.submission.create_batch(core.tenant, [NEW, NEW])
    assert [one.created for one in made] == [True, False]
    assert made[0].job.job_id == made[1].job.job_id
    other = replace(NEW, request_id="r2")
    with pytest.raises(IdempotencyMismatch):
        core.submission.create_batch(core.tenant, [other, replace(other, labels={})])


def test_batch_makes_nothing_when_one_request_is_wrong(core: Core) -> None:
    wrong = NewJob(spec=SPEC, deadline_at=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidRequest) as refused:
        core.submission.create_batch(core.tenant, [NEW, wrong])
    assert refused.value.violations[0].field == "requests[1].deadline"
    assert _count(core) == 0


@pytest.mark.matrix(26)
def test_same_request_id_is_another_job_when_the_tenant_differs(core: Core) -> None:
    other = core.tokens.create_tenant("two")
    first = core.submission.create(core.tenant, NEW)
    second = core.submission.create(other, replace(NEW, labels={}))
    assert first.created
    assert second.created


def test_jobs_are_refused_when_too_many_wait(database_url: str, tmp_path: Path) -> None:
    with open_core(database_url, tmp_path, Limits(max_waiting_jobs=3)) as core:
        for number in range(3):
            core.submission.create(core.tenant, replace(NEW, request_id=f"r{number}"))
        with pytest.raises(TooManyWaitingJobs) as refused:
            core.submission.create(core.tenant, replace(NEW, request_id="r9"))
        assert refused.value.retry_after > timedelta()
        assert not core.submission.create(core.tenant, replace(NEW, request_id="r1")).created
        other = core.tokens.create_tenant("two")
        assert core.submission.create(other, NEW).created
        job = core.queries.list_jobs(core.tenant, JobQuery(), 1)[0][0]
        core.start(job)
        assert core.submission.create(core.tenant, replace(NEW, request_id="r9")).created
        with pytest.raises(TooManyWaitingJobs):
            core.submission.create_batch(core.tenant, [NewJob(spec=SPEC)] * 2)


def test_job_is_refused_when_its_artifact_is_not_there_or_not_ready(core: Core) -> None:
    with pytest.raises(ArtifactNotFound):
        core.submission.create(core.tenant, NewJob(spec=Transcode(uuid4(), "mp3")))
    request = UploadRequest(filename="a.wav", media_type="audio/wav")
    artifact_id = core.uploads.begin(core.tenant, request).artifact_id
    spec = Transcode(artifact_id, "mp3")
    with pytest.raises(ArtifactNotReady):
        core.submission.create(core.tenant, NewJob(spec=spec))
    core.uploads.append(core.tenant, artifact_id, 0, b"RIFF")
    core.uploads.finish(core.tenant, artifact_id)
    job = core.submission.create(core.tenant, NewJob(spec=spec)).job
    assert [(step.name, step.target_key) for step in job.steps] == [("transcode", "mp3")]
    lease = core.acquire(core.step(job))
    assert lease.inputs[artifact_id].storage_key is not None
    with pytest.raises(ArtifactNotFound):
        core.submission.create(core.tokens.create_tenant("two"), NewJob(spec=spec))


def test_inline_text_is_no_artifact_when_asked_for_as_one(core: Core) -> None:
    job = core.create()
    hidden = UUID(str(core.step(job).settings["source"]))
    with pytest.raises(ArtifactNotFound):
        core.uploads.get(core.tenant, hidden)


def _announce(core: Core, *targets: str) -> None:
    core.catalog.announce(
        WorkerAnnouncement(
            worker_id="translation_worker@host:1",
            service="translation_worker",
            version="1",
            step_kinds=("translate_text",),
            engines=(Engine("bergamot", "1"),),
            pairs=tuple(
                LanguagePair("en", target, (RouteHop("bergamot", "en", target),))
                for target in targets
            ),
        )
    )


def test_unknown_pair_is_refused_with_the_list_when_workers_have_announced(core: Core) -> None:
    core.create("xx")
    _announce(core, "pt")
    assert core.create("PT").state is JobState.PENDING
    with pytest.raises(InvalidRequest) as refused:
        core.create("pt", "xx")
    assert refused.value.reason == "UNSUPPORTED_LANGUAGE_PAIR"
    assert refused.value.metadata == {"pairs": "en>pt"}
    field = "spec.translate_text.target_languages[1]"
    assert [violation.field for violation in refused.value.violations] == [field]


def test_new_pair_is_accepted_at_once_when_announced_after_a_refusal(core: Core) -> None:
    _announce(core, "pt")
    with pytest.raises(InvalidRequest):
        core.create("es")
    _announce(core, "pt", "es")
    assert core.create("es").state is JobState.PENDING


def test_unknown_engine_and_preset_are_refused_when_workers_have_announced(core: Core) -> None:
    _announce(core, "pt")
    with pytest.raises(InvalidRequest) as refused:
        core.submission.create(core.tenant, NewJob(spec=replace(SPEC, engine="magic")))
    assert refused.value.reason == "UNSUPPORTED_ENGINE"
    core.catalog.announce(
        WorkerAnnouncement(
            worker_id="media_worker@host:2",
            service="media_worker",
            version="1",
            step_kinds=("transcode",),
            presets=(Preset("mp3", PresetKind.AUDIO),),
        )
    )
    with pytest.raises(InvalidRequest) as refused:
        core.submission.create(core.tenant, NewJob(spec=Transcode(uuid4(), "gif")))
    assert refused.value.reason == "UNSUPPORTED_PRESET"
    assert refused.value.metadata == {"presets": "mp3"}


def test_catalogue_lists_what_is_announced_until_it_expires(core: Core) -> None:
    _announce(core, "pt", "es")
    assert [engine.name for engine in core.catalog.engines()] == ["bergamot"]
    assert [pair.target_language for pair in core.catalog.pairs("EN")] == ["es", "pt"]
    assert core.catalog.pairs("pt") == []
    core.execute("UPDATE workers SET expires_at = clock_timestamp()")
    assert core.catalog.pairs() == []
    assert core.catalog.engines() == []
    assert core.catalog.presets() == []
