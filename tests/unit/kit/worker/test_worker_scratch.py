"""Scratch directories of living and of dead workers."""

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


def test_scratch_is_refused_when_it_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(PermissionError):
        WorkerScratch(tmp_path / "link")
