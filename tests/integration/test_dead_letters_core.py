"""Dead letters listed and replayed, and queues counted, on a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from babelmill.kit.wire.step_message import FAMILIES
from job_service.application.queue_stats import QueueFigure
from job_service.domain.errors import JobNotFound, NotADeadLetter
from job_service.domain.job import Job, JobState, Priority
from tests.integration.core import FLAKY, HOPELESS, Core
from tests.integration.upkeep import Upkeep, open_upkeep


@pytest.fixture
def upkeep(database_url: str, tmp_path: Path) -> Iterator[Upkeep]:
    with open_upkeep(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.fixture
def core(upkeep: Upkeep) -> Core:
    return upkeep.core


def _queue(upkeep: Upkeep, name: str) -> QueueFigure:
    return next(queue for queue in upkeep.stats.list_queues() if queue.name == name)


def test_dead_letter_is_listed_with_what_became_of_it(upkeep: Upkeep, core: Core) -> None:
    dead = upkeep.dead("pt", "es")
    assert dead.state is JobState.DEAD_LETTERED
    core.complete(core.start(core.create()))
    (listed,), rest = upkeep.dead_letters.list_page(core.tenant, 10)
    assert rest is None
    assert (listed.job_id, listed.kind) == (dead.job_id, "translate_text")
    assert listed.error == FLAKY
    assert (listed.attempts, listed.finished_at) == (10, dead.finished_at)
    assert listed.replay_job_ids == ()
    (replay,) = upkeep.replay(dead)
    (listed,), _ = upkeep.dead_letters.list_page(core.tenant, 10)
    assert listed.replay_job_ids == (replay.job_id,)


def test_pages_join_without_gap_or_repeat_when_listed(upkeep: Upkeep, core: Core) -> None:
    dead = [upkeep.dead().job_id for _ in range(5)]
    seen, after = [], None
    for _ in range(3):
        page, after = upkeep.dead_letters.list_page(core.tenant, 2, after)
        seen += [one.job_id for one in page]
    assert after is None
    assert seen == dead[::-1]


def test_nothing_of_another_tenant_is_listed_or_replayed(upkeep: Upkeep, core: Core) -> None:
    dead = upkeep.dead()
    stranger = core.tokens.create_tenant("stranger")
    assert upkeep.dead_letters.list_page(stranger, 10) == ([], None)
    with pytest.raises(JobNotFound) as refusal:
        upkeep.dead_letters.replay(stranger, [dead.job_id])
    assert refusal.value.metadata == {"job_id": str(dead.job_id)}


def test_dead_letter_comes_back_to_life_when_replayed(upkeep: Upkeep, core: Core) -> None:
    dead = upkeep.dead(body="once more")
    (replay,) = upkeep.replay(dead)
    assert (replay.parent_job_id, replay.state) == (dead.job_id, JobState.PENDING)
    assert replay.spec == dead.spec
    core.publish()
    core.complete(core.start(replay))
    assert core.job(replay).state is JobState.COMPLETED
    assert core.job(dead) == dead


def test_replay_is_made_once_when_asked_at_the_same_time(upkeep: Upkeep, core: Core) -> None:
    dead = [upkeep.dead() for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        calls = [
            pool.submit(upkeep.replay, *(dead if number % 2 else dead[::-1])) for number in range(6)
        ]
        answers = [{one.parent_job_id: one.job_id for one in call.result()} for call in calls]
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0].values())) == 3
    listed, _ = upkeep.dead_letters.list_page(core.tenant, 10)
    assert all(len(one.replay_job_ids) == 1 for one in listed)


@pytest.mark.parametrize("ending", ["running", "completed", "failed"])
def test_replay_stands_when_it_is_no_dead_letter(upkeep: Upkeep, core: Core, ending: str) -> None:
    dead = upkeep.dead()
    (replay,) = upkeep.replay(dead)
    lease = core.start(replay)
    if ending == "completed":
        core.complete(lease)
    if ending == "failed":
        core.fail(lease, HOPELESS)
    (again,) = upkeep.replay(dead)
    assert again.job_id == replay.job_id


def test_dead_letter_is_replayed_again_when_its_replay_died(upkeep: Upkeep, core: Core) -> None:
    dead = upkeep.dead()
    (first,) = upkeep.replay(dead)
    upkeep.kill(first)
    assert core.job(first).state is JobState.DEAD_LETTERED
    (second,) = upkeep.replay(dead)
    assert second.job_id != first.job_id
    listed, _ = upkeep.dead_letters.list_page(core.tenant, 10)
    of_dead = next(one for one in listed if one.job_id == dead.job_id)
    assert of_dead.replay_job_ids == (first.job_id, second.job_id)


def test_dead_letter_is_replayed_again_when_its_replay_was_deleted(
    upkeep: Upkeep, core: Core
) -> None:
    dead = upkeep.dead()
    (replay,) = upkeep.replay(dead)
    core.complete(core.start(replay))
    upkeep.delete(replay)
    assert upkeep.replay(dead)[0].job_id != replay.job_id


def test_none_is_replayed_when_one_cannot_be(upkeep: Upkeep, core: Core) -> None:
    dead, done = upkeep.dead(), core.create()
    core.complete(core.start(done))
    with pytest.raises(NotADeadLetter) as refusal:
        upkeep.replay(dead, done)
    assert refusal.value.metadata == {"job_id": str(done.job_id), "state": "COMPLETED"}
    with pytest.raises(JobNotFound):
        upkeep.dead_letters.replay(core.tenant, [dead.job_id, uuid4()])
    listed, _ = upkeep.dead_letters.list_page(core.tenant, 10)
    assert [one.replay_job_ids for one in listed] == [()]


def test_replays_come_in_the_order_asked_when_ids_repeat(upkeep: Upkeep) -> None:
    first, second = upkeep.dead(), upkeep.dead()
    parents = [one.parent_job_id for one in upkeep.replay(second, first, second)]
    assert parents == [second.job_id, first.job_id, second.job_id]


def test_all_queues_are_listed_when_all_are_empty(upkeep: Upkeep) -> None:
    listed = upkeep.stats.list_queues()
    assert [queue.name for queue in listed] == [
        f"{family}.{priority}"
        for family in sorted(FAMILIES)
        for priority in ("low", "normal", "urgent")
    ]
    assert {queue.priority for queue in listed} == set(Priority)
    for queue in listed:
        assert (queue.depth, queue.leased, queue.oldest_age, queue.drain_rate) == (0, 0, None, 0)


def test_steps_are_counted_where_they_are(upkeep: Upkeep, core: Core) -> None:
    core.create("pt", "es", "fr")
    core.publish()
    core.create()
    waiting = core.create()
    core.fail(core.start(waiting))
    core.start(core.create())
    for _ in range(3):
        core.complete(core.start(core.create()))
    queue = _queue(upkeep, "translation.normal")
    assert (queue.depth, queue.leased) == (5, 1)
    assert queue.drain_rate == pytest.approx(3 / 60)
    assert queue.oldest_age is not None
    assert timedelta() < queue.oldest_age < timedelta(minutes=1)
    assert _queue(upkeep, "translation.urgent").depth == 0
    assert _queue(upkeep, "media.normal").depth == 0


def test_oldest_age_is_the_wait_of_this_attempt_when_a_step_is_tried_again(
    upkeep: Upkeep, core: Core
) -> None:
    job = core.create()
    _backdate(core, job, "created_at")
    assert _age(upkeep) > timedelta(hours=1)
    core.fail(core.start(job))
    assert _queue(upkeep, "translation.normal").oldest_age is None
    core.move_into_past("not_before", core.step(job).step_id, seconds=90)
    assert timedelta(seconds=89) < _age(upkeep) < timedelta(seconds=150)
    core.reaper.run_once()
    assert _age(upkeep) < timedelta(seconds=60)
    core.publish()
    assert _age(upkeep) < timedelta(seconds=60)
    _backdate(core, job, "queued_at")
    assert _age(upkeep) > timedelta(hours=1)


def test_rate_forgets_when_a_minute_has_passed(upkeep: Upkeep, core: Core) -> None:
    job = core.create()
    core.complete(core.start(job))
    assert _queue(upkeep, "translation.normal").drain_rate > 0
    core.move_into_past("finished_at", core.step(job).step_id, seconds=61)
    assert _queue(upkeep, "translation.normal").drain_rate == 0


def _age(upkeep: Upkeep) -> timedelta:
    age = _queue(upkeep, "translation.normal").oldest_age
    assert age is not None
    return age


def _backdate(core: Core, job: Job, column: str) -> None:
    core.move_into_past(column, core.step(job).step_id, seconds=2 * 3600)
