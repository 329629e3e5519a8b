"""The judge of a record finds what was planted in it."""

import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.faults.chaos.judge import judge
from tests.faults.chaos.record import FileHistory, RecordFile, read_record
from tests.faults.history import Call, Outcome
from tests.faults.watchers import Watched

JOB = str(uuid.uuid4())
OTHER = str(uuid.uuid4())


def create(at: float, outcome: Outcome = Outcome.OK, job_id: str = JOB, state: str = "") -> Call:
    return Call("create", "key", at, at + 1, outcome, "", job_id, state)


def sql(statement: str, values: object = None) -> list[tuple[Any, ...]]:  # Any: as the checker's
    """A database with one completed job of four events."""
    if statement.startswith("SELECT count(*)"):
        return [(1,)]
    if statement.startswith("SELECT job_id, state FROM jobs"):
        return [(JOB, "COMPLETED")]
    if statement.startswith("SELECT j.job_id, j.sequence"):
        return [(JOB, 4, 4, 1, 4)]
    return []


def ended(*sequences: int) -> Watched:
    return Watched(
        JOB, sequences=list(sequences), finished=True, breaks=[("UNAVAILABLE", "DRAINING")]
    )


def broken(path: Path, calls: list[Call], watches: list[Watched]) -> list[str]:
    file = RecordFile(path)
    file.write("run", {"seed": 1})
    history = FileHistory(file)
    for call in calls:
        history.add(call)
    for watch in watches:
        file.write("watch", asdict(watch))
    file.close()
    return [text.partition(":")[0] for text in judge(path, sql, path.parent).verdict.broken]


def test_nothing_is_found_when_every_promise_was_kept(tmp_path: Path) -> None:
    calls = [create(0, Outcome.INDETERMINATE, ""), create(2), create(4)]
    assert broken(tmp_path / "record", calls, [ended(1, 2, 3, 4)]) == []


@pytest.mark.parametrize(
    ("calls", "watches", "found"),
    [
        pytest.param([create(0, job_id=OTHER)], [], ["I1"], id="a lost job"),
        pytest.param([create(0, state="FAILED")], [], ["I2"], id="another end was told"),
        pytest.param([], [Watched(JOB, sequences=[1, 2])], ["I4"], id="a watch that waits"),
        pytest.param([], [ended(1, 2, 4)], ["I4"], id="a gap"),
        pytest.param([], [ended(1, 2, 2, 3, 4)], ["I4"], id="a repeat"),
        pytest.param([], [ended(1, 2, 3)], ["I4"], id="an early end"),
        pytest.param(
            [Call("cancel", JOB, 0, 1, Outcome.OK, "OK", JOB, "CANCELLING")],
            [],
            ["I6"],
            id="completed though cancelled",
        ),
        pytest.param([create(0), create(2, job_id=OTHER)], [], ["I7"], id="two jobs for a key"),
        pytest.param([create(0), create(2, Outcome.FAIL, "")], [], ["I7"], id="refused later"),
    ],
)
def test_what_was_planted_is_found(
    tmp_path: Path, calls: list[Call], watches: list[Watched], found: list[str]
) -> None:
    assert broken(tmp_path / "record", calls, watches) == found


def test_record_is_read_up_to_the_last_whole_line_when_its_writer_was_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "record"
    file = RecordFile(path)
    FileHistory(file).add(create(0))
    file.close()
    with path.open("a") as torn:
        torn.write('{"call": {"meth')
    history, watched = read_record(path)
    assert history.calls() == [create(0)]
    assert watched == []
