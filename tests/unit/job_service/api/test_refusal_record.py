"""Refusals are told of once in a while, whatever a caller does."""

from typing import cast
from uuid import uuid4

from job_service.api.auth import Caller
from job_service.api.refusal_record import QUIET_SECONDS, RefusalRecord
from job_service.api.threads import BoundedThreads
from job_service.application.auditing import Auditing
from job_service.domain.errors import StorageUnavailable
from job_service.domain.principal import Principal, Role


class Written:
    """Stands for the audit log: remembers the methods, or is away."""

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.away = False

    def record_refusal(self, actor: Principal, method: str) -> None:
        if self.away:
            raise StorageUnavailable
        self.methods.append(method)


class AtOnce:
    """Runs calls where they are started."""

    def start(self, call: object) -> None:
        assert callable(call)
        call()


def make(now: list[float]) -> tuple[RefusalRecord, Written]:
    written = Written()
    record = RefusalRecord(
        auditing=cast("Auditing", written),
        threads=cast("BoundedThreads", AtOnce()),
        clock=lambda: now[0],
    )
    return record, written


def caller(number: int = 0) -> Caller:
    return Caller(Principal(uuid4(), Role.CLIENT, uuid4()), number.to_bytes(32))


def test_refusal_is_told_once_a_minute_when_repeated() -> None:
    now = [0.0]
    record, written = make(now)
    for _ in range(100):
        record.tell(caller(), "a")
    record.tell(caller(), "b")
    record.tell(caller(1), "a")
    assert written.methods == ["a", "b", "a"]
    now[0] = QUIET_SECONDS
    record.tell(caller(), "a")
    assert len(written.methods) == 4


def test_log_is_not_flooded_when_tokens_are_many() -> None:
    record, written = make([0.0])
    for number in range(5000):
        record.tell(caller(number), "a")
    assert len(written.methods) == 1000


def test_caller_is_not_troubled_when_the_log_is_away() -> None:
    record, written = make([0.0])
    written.away = True
    record.tell(caller(), "a")
    assert written.methods == []
