"""Scratch directories of living and of dead workers."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from babelmill.kit.worker.scratch import WorkerScratch, attempt_scratch


def test_attempt_directory_is_gone_when_the_attempt_breaks(tmp_path: Path) -> None:
    worker = WorkerScratch(tmp_path / "scratch")
    made: list[Path] = []

    def break_off() -> None:
        with attempt_scratch(worker.path) as path:
            made.append(path)
            (path / "partial").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert not made[0].exists()
    worker.remove()
    assert not worker.path.exists()


def test_directory_of_a_living_worker_is_kept_when_another_starts(tmp_path: Path) -> None:
    first = WorkerScratch(tmp_path)
    second = WorkerScratch(tmp_path)
    assert first.path.exists()
    first.remove()
    second.remove()


@pytest.mark.parametrize("other", ["is removing it", "has removed it"])
def test_directory_is_the_workers_own_when_another_starts_beside_it(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    others: list[int] = []

    def lock_second(descriptor: int, operation: int) -> None:
        """Lock what is made first only after another worker has found it nobody's."""
        if not others:
            (made,) = tmp_path.iterdir()
            others.append(os.open(made, os.O_RDONLY))
            real(others[0], fcntl.LOCK_EX)
            if other == "has removed it":
                shutil.rmtree(made)
                os.close(others[0])
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_second)
    worker = WorkerScratch(tmp_path)
    later = WorkerScratch(tmp_path)
    if other == "is removing it":
        os.close(others[0])
    last = WorkerScratch(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([worker.path, later.path, last.path])


def test_directory_of_a_dead_worker_is_removed_when_another_starts(tmp_path: Path) -> None:
    abandoned = tmp_path / "worker-of-before"
    (abandoned / "attempt").mkdir(parents=True)
    worker = WorkerScratch(tmp_path)
    assert list(tmp_path.iterdir()) == [worker.path]


def test_scratch_is_refused_when_it_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(PermissionError):
        WorkerScratch(tmp_path / "link")
