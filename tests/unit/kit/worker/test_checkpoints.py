"""Checkpoints: kept, found again, and never trusted when damaged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.artifacts.store import StoreFull
from babelmill.kit.process.logs import get_logger
from babelmill.kit.worker.checkpoints import Checkpoints, checkpoint_prefix

BASIS: dict[str, object] = {"input": "abc", "engine": ["e", "1"]}


class _Full(LocalStore):
    """A store on a full disk."""

    tries = 0

    def write(self, *_: object, **__: object) -> object:  # type: ignore[override]  # always raises
        self.tries += 1
        raise StoreFull


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def _open(store: LocalStore, basis: dict[str, object] = BASIS, step: str = "step") -> Checkpoints:
    return Checkpoints(store, checkpoint_prefix("job", step), basis, get_logger("test"))


def _files(store: LocalStore) -> Iterator[Path]:
    return (store.root / key for key, _ in store.keys("checkpoints/job/step"))


def test_next_attempt_finds_what_was_kept_when_all_facts_are_the_same(store: LocalStore) -> None:
    first = _open(store)
    assert first.get("a") is None
    first.put("a", b"part")
    first.put("empty", b"")
    second = _open(store, dict(reversed(BASIS.items())))
    assert (second.get("a"), second.get("empty"), second.get("b")) == (b"part", b"", None)
    assert (first.written, first.reused, second.written, second.reused) == (2, 0, 0, 2)


@pytest.mark.parametrize("other", [{**BASIS, "input": "abd"}, {**BASIS, "more": 1}, {}])
def test_nothing_is_found_when_a_fact_is_another(
    store: LocalStore, other: dict[str, object]
) -> None:
    _open(store).put("a", b"part")
    assert _open(store, other).get("a") is None
    assert _open(store, step="step2").get("a") is None


@pytest.mark.parametrize("where", ["first", "middle", "last", "cut", "emptied", "longer"])
def test_damaged_checkpoint_is_ignored_and_made_anew(store: LocalStore, where: str) -> None:
    _open(store).put("a", b"a finished part")
    (path,) = _files(store)
    sound = path.read_bytes()
    at = {"first": 0, "middle": 33, "last": len(sound) - 1}.get(where)
    if at is not None:
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
    else:
        path.write_bytes({"cut": sound[:-3], "emptied": b"", "longer": sound + b"x"}[where])
    again = _open(store)
    assert again.get("a") is None
    again.put("a", b"a finished part")
    assert path.read_bytes() == sound
    assert again.reused == 0


def test_checkpoint_is_ignored_when_it_lies_in_the_place_of_another(store: LocalStore) -> None:
    kept = _open(store)
    kept.put("a", b"one")
    kept.put("b", b"two")
    one, two = sorted(_files(store))
    two.write_bytes(one.read_bytes())
    assert _open(store).get("b") is None


def test_two_attempts_write_the_same_bytes_when_they_keep_the_same_part(store: LocalStore) -> None:
    zombie, second = _open(store), _open(store)
    zombie.put("a", b"part")
    (path,) = _files(store)
    before = path.read_bytes()
    second.put("a", b"part")
    assert path.read_bytes() == before


def test_work_goes_on_when_nothing_can_be_kept(tmp_path: Path) -> None:
    store = _Full(tmp_path / "store")
    kept = _open(store)
    for key in ("a", "b", "c"):
        kept.put(key, b"part")
    assert (store.tries, kept.written, kept.get("a")) == (1, 0, None)
