"""Which media workers a stack starts, and what each of them is told."""

import os

import pytest

from babelmill.stack.media_workers import MediaWorkers, environment_of, read_media_workers


def test_groups_are_read_when_they_serve_every_priority() -> None:
    workers = read_media_workers("urgent:4, normal+low:2")
    assert workers == (MediaWorkers(("urgent",), 4), MediaWorkers(("normal", "low"), 2))
    assert [each.name for each in workers] == ["media_worker_urgent", "media_worker_normal_low"]


def test_one_worker_serves_everything_when_nothing_is_set() -> None:
    assert read_media_workers("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "urgent:4,low:2",
        "urgent:4,normal:0,low:2",
        "urgent+urgent:1,normal+low:2",
        "urgent,normal+low:2",
        "urgent:x,normal+low:2",
        "high:4,low:2",
        "urgent+normal+low:1,urgent+normal+low:1",
        "urgent:257,normal+low:2",
    ],
)
def test_groups_are_refused_when_they_cannot_be_started(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        read_media_workers(text)


def test_cores_are_shared_among_all_slots_when_workers_are_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BABELMILL_MEDIA_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(13)))
    workers = read_media_workers("urgent:4,normal+low:2")
    assert [environment_of(each, workers) for each in workers] == [
        {
            "BABELMILL_WORKER_PRIORITIES": "urgent",
            "BABELMILL_WORKER_CONCURRENCY": "4",
            "BABELMILL_MEDIA_THREADS": "2",
        },
        {
            "BABELMILL_WORKER_PRIORITIES": "normal,low",
            "BABELMILL_WORKER_CONCURRENCY": "2",
            "BABELMILL_MEDIA_THREADS": "2",
        },
    ]
