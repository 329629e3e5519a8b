"""Which queues a worker takes steps from, and in which order."""

import pytest

from babelmill.kit.process.settings import load_settings
from babelmill.kit.worker.celery_app import ChildFacts, worker_app
from babelmill.kit.worker.process import run_worker
from babelmill.kit.worker.settings import WorkerSettings


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("BABELMILL_WORKER_TOKEN", "t"),
        ("BABELMILL_REDIS_URL", "redis://127.0.0.1:1/0"),
        ("BABELMILL_ARTIFACTS", "/nowhere"),
    ):
        monkeypatch.setenv(name, value)


def test_urgent_steps_of_every_family_come_before_all_others() -> None:
    app = worker_app(
        ChildFacts("a:b", "w", 1, "/nowhere"),
        redis_url="redis://127.0.0.1:1/0",
        queue_families=("reconstruction", "translation"),
        concurrency=1,
        max_memory_bytes=1 << 30,
    )
    assert [queue.name for queue in app.conf.task_queues] == [
        "reconstruction.urgent",
        "translation.urgent",
        "reconstruction.normal",
        "translation.normal",
        "reconstruction.low",
        "translation.low",
    ]


@pytest.mark.parametrize(
    ("value", "families"), [("", ()), ("tone", ("tone",)), (" tone, media ", ("tone", "media"))]
)
def test_families_are_read_from_a_list(
    monkeypatch: pytest.MonkeyPatch, value: str, families: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BABELMILL_QUEUE_FAMILIES", value)
    assert load_settings(WorkerSettings).queue_families == families


def test_family_is_refused_when_there_is_none_of_that_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_QUEUE_FAMILIES", "tone,tunes")
    with pytest.raises(SystemExit):
        load_settings(WorkerSettings)
    assert "BABELMILL_QUEUE_FAMILIES" in capsys.readouterr().err


def test_worker_does_not_start_when_it_is_told_a_family_that_it_cannot_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BABELMILL_QUEUE_FAMILIES", "media")
    assert run_worker("tests.worker_definition:DEFINITION") == 78


def test_only_queues_of_its_priorities_are_read_when_a_worker_is_dedicated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_PRIORITIES", "low, urgent")
    settings = load_settings(WorkerSettings)
    assert settings.priorities == ("urgent", "low")
    app = worker_app(
        ChildFacts("a:b", "w", 1, "/nowhere"),
        redis_url="redis://127.0.0.1:1/0",
        queue_families=("media",),
        concurrency=1,
        max_memory_bytes=1 << 30,
        priorities=settings.priorities,
    )
    assert [queue.name for queue in app.conf.task_queues] == ["media.urgent", "media.low"]


@pytest.mark.parametrize("value", [",", "high", "low,high"])
def test_priorities_are_refused_when_there_are_none_of_that_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_PRIORITIES", value)
    with pytest.raises(SystemExit):
        load_settings(WorkerSettings)
    assert "BABELMILL_WORKER_PRIORITIES" in capsys.readouterr().err
