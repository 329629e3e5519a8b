"""A tenant's memory of segments, under its workers' leases, on a real database."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from job_service.application.leasing import LeaseRequest
from job_service.application.limits import Limits
from job_service.application.submission import NewJob
from job_service.domain.errors import InvalidRequest, StaleLease
from job_service.domain.spec import TranslateText
from tests.integration.core import Core, open_core

ONE, TWO = sha256(b"1").digest(), sha256(b"2").digest()


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


@pytest.mark.matrix(19)
def test_segments_are_recalled_by_the_tenants_other_jobs_and_nobody_else(core: Core) -> None:
    core.memory.remember(core.start(core.create()), {ONE: b"um", TWO: b"dois"})
    again = core.start(core.create())
    core.memory.remember(again, {ONE: b"uno"})
    assert core.memory.recall(again, [ONE, TWO, bytes(32)]) == {ONE: b"uno", TWO: b"dois"}
    other = core.tokens.create_tenant("other")
    new = NewJob(spec=TranslateText("en", ("pt",), text="hello"))
    theirs = core.submission.create(other, new).job
    assert core.memory.recall(core.acquire(theirs.steps[0]).request, [ONE]) == {}


def test_memory_is_closed_when_the_lease_has_ended(core: Core) -> None:
    lease = core.start(core.create())
    core.complete(lease)
    with pytest.raises(StaleLease):
        core.memory.recall(lease, [ONE])
    with pytest.raises(StaleLease):
        core.memory.remember(LeaseRequest(lease.step_id, 1, uuid4()), {ONE: b"um"})


def test_memory_refuses_what_is_of_the_wrong_size(core: Core) -> None:
    lease = core.start(core.create())
    for entries in ({b"short": b"x"}, {ONE: b"x" * (64 * 1024 + 1)}):
        with pytest.raises(InvalidRequest):
            core.memory.remember(lease, entries)


def test_answer_fits_a_message_when_more_is_known(core: Core) -> None:
    lease = core.start(core.create())
    keys = [sha256(bytes([n])).digest() for n in range(60)]
    core.memory.remember(lease, dict.fromkeys(keys, b"x" * 64 * 1024))
    assert 40 < len(core.memory.recall(lease, keys)) <= 48


def test_segments_are_forgotten_when_their_time_is_over(database_url: str, tmp_path: Path) -> None:
    limits = Limits(memory_ttl=timedelta(seconds=-1))
    with open_core(database_url, tmp_path / "artifacts", limits) as core:
        lease = core.start(core.create())
        core.memory.remember(lease, {ONE: b"um"})
        assert core.memory.recall(lease, [ONE]) == {}
        with core.units.write() as uow:
            assert uow.memory.forget(10, 100) == 1


def test_oldest_segments_are_forgotten_when_a_tenant_has_too_many(core: Core) -> None:
    lease = core.start(core.create())
    core.memory.remember(lease, {ONE: b"um"})
    core.memory.remember(lease, {TWO: b"dois"})
    with core.units.write() as uow:
        assert uow.memory.forget(1, 100) == 1
    assert core.memory.recall(lease, [ONE, TWO]) == {TWO: b"dois"}
