"""The durable local store: whole objects, safe keys, full disks, races."""

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.kit.artifacts.keys import key_parts
from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.artifacts.opening import UnknownStore, open_store
from babelmill.kit.artifacts.store import (
    InvalidKey,
    ObjectMissing,
    OffsetConflict,
    StoredDigest,
    StoreError,
    StoreFull,
)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def _digest(data: bytes) -> StoredDigest:
    return StoredDigest(hashlib.sha256(data).hexdigest(), len(data))


def _keys(store: LocalStore, prefix: str = "") -> list[str]:
    return sorted(key for key, _ in store.keys(prefix))


def test_object_is_read_back_when_written(store: LocalStore) -> None:
    assert store.write("a/b/c.txt", [b"one", b"", b"two"]) == _digest(b"onetwo")
    with store.open("a/b/c.txt") as file:
        assert file.read() == b"onetwo"
    with store.open("a/b/c.txt", 3) as file:
        assert file.read() == b"two"
    assert store.size("a/b/c.txt") == 6
    assert store.digest("a/b/c.txt") == _digest(b"onetwo")


def test_modes_are_private_when_objects_are_made(store: LocalStore) -> None:
    old = os.umask(0)
    try:
        store.write("a/b", [b"x"])
        store.append("a/c", 0, b"x")
    finally:
        os.umask(old)
    for path, mode in (("a", 0o700), ("a/b", 0o600), ("a/c", 0o600), ("", 0o700)):
        assert stat.S_IMODE((store.root / path).stat().st_mode) == mode


def test_nothing_is_there_when_the_source_of_a_write_breaks(store: LocalStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 100
        raise RuntimeError

    store.write("a/b", [b"old"])
    with pytest.raises(RuntimeError):
        store.write("a/b", chunks())
    assert store.digest("a/b") == _digest(b"old")
    assert not list((store.root / ".incoming").iterdir())


@pytest.mark.matrix(30)
@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".incoming/x"),
        *("a\0b", "a b", "ä", "a\n", "a\\b", "x" * 300, "a/" * 600 + "a", "a/.hidden", "\ud800"),
    ],
)
def test_key_is_refused_when_it_is_not_safe(store: LocalStore, key: str) -> None:
    for use in (
        lambda: store.write(key, [b""]),
        lambda: store.append(key, 0, b""),
        lambda: store.open(key),
        lambda: store.size(key),
        lambda: store.delete(key),
        lambda: store.place(key, Path("/dev/null")),
    ):
        with pytest.raises(InvalidKey):
            use()


def test_whole_store_is_not_removed_when_the_prefix_is_empty(store: LocalStore) -> None:
    store.write("a", [b"x"])
    for prefix in ("", "/", "..", "../store"):
        with pytest.raises(InvalidKey):
            store.delete_prefix(prefix)
    assert _keys(store) == ["a"]


@pytest.mark.matrix(30)
@given(st.text(max_size=40))
def test_key_stays_below_the_root_when_it_is_accepted(key: str) -> None:
    try:
        parts = key_parts(key)
    except InvalidKey:
        return
    path = os.path.normpath(os.path.join("/root", *parts))  # noqa: PTH118 - normpath is the point
    assert path == "/root/" + key


def test_link_is_not_followed_when_one_lies_in_the_store(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (store.root / "link").symlink_to(outside)
    (store.root / "file").symlink_to(outside / "secret")
    for key in ("link/secret", "file"):
        with pytest.raises(ObjectMissing):
            store.open(key)
        assert store.size(key) is None
    with pytest.raises(StoreError):
        store.write("link/new", [b"x"])
    with pytest.raises(StoreError):
        store.append("file", 6, b"x")
    assert _keys(store) == _keys(store, "link") == _keys(store, "file") == []
    store.delete_prefix("link")
    assert (outside / "secret").read_text() == "secret"
    assert not (outside / "new").exists()


def test_tree_with_a_link_is_removed_without_what_it_points_at(
    store: LocalStore, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    store.write("a/b/c", [b"x"])
    (store.root / "a" / "b" / "link").symlink_to(outside)
    store.delete_prefix("a")
    assert (outside / "kept").exists()
    assert not (store.root / "a").exists()


def test_upload_goes_on_when_the_offset_is_the_size(store: LocalStore) -> None:
    assert store.append("u", 0, b"abc") == 3
    assert store.append("u", 3, b"def") == 6
    assert store.digest("u") == _digest(b"abcdef")


@pytest.mark.parametrize("offset", [0, 2, 4])
def test_append_is_refused_when_the_offset_is_not_the_size(store: LocalStore, offset: int) -> None:
    store.append("u", 0, b"abc")
    with pytest.raises(OffsetConflict) as caught:
        store.append("u", offset, b"x")
    assert caught.value.size_bytes == 3
    assert store.digest("u") == _digest(b"abc")


def test_one_append_wins_when_two_use_the_same_offset(store: LocalStore) -> None:
    outcomes: list[object] = []

    def append(data: bytes) -> None:
        try:
            outcomes.append(store.append("u", 0, data))
        except OffsetConflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=append, args=(bytes([n]) * 1000,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["1000"] + ["conflict"] * 7
    assert store.size("u") == 1000


def test_store_is_full_when_the_disk_is(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append("u", 0, b"abc")

    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreFull):
        store.append("u", 3, b"def")
    with pytest.raises(StoreFull):
        store.write("w", [b"x"])
    monkeypatch.undo()
    assert store.digest("u") == _digest(b"abc")
    assert store.size("w") is None
    assert not list((store.root / ".incoming").iterdir())


def test_full_device_is_told_when_a_real_one_is_written(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(StoreError):
            store.write("w", [b"x" * 40_000, b"x" * 40_000])
        store.append("u", 0, b"x" * 40_000)
        with pytest.raises(StoreError):
            store.append("u", 40_000, b"x" * 40_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert store.size("w") is None
    assert store.size("u") == 40_000
    assert not list((store.root / ".incoming").iterdir())


def test_file_is_moved_in_when_placed(store: LocalStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(b"x" * 3_000_000)
    made.chmod(0o644)
    assert store.place("p/q", made) == _digest(b"x" * 3_000_000)
    assert not made.exists()
    assert stat.S_IMODE((store.root / "p/q").stat().st_mode) == 0o600


def test_file_is_copied_in_when_it_lies_on_another_device(store: LocalStore) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == store.root.stat().st_dev:
        pytest.skip("no second file system at /dev/shm")
    made = shm / f"kit-test-{os.getpid()}"
    made.write_bytes(b"elsewhere")
    try:
        assert store.place("p", made) == _digest(b"elsewhere")
        assert not made.exists()
    finally:
        made.unlink(missing_ok=True)


def test_place_is_refused_when_the_path_is_no_regular_file(
    store: LocalStore, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(target)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path, tmp_path / "none"):
        with pytest.raises(StoreError):
            store.place("p", path)
    assert store.size("p") is None


def test_empty_directories_are_pruned_when_objects_are_deleted(store: LocalStore) -> None:
    store.write("a/b/c", [b"x"])
    store.write("a/d", [b"x"])
    store.delete("a/b/c")
    assert not (store.root / "a/b").exists()
    assert _keys(store) == ["a/d"]
    store.delete("a/d")
    store.delete("a/d")
    assert not (store.root / "a").exists()
    assert store.root.exists()


def test_only_what_lies_below_is_removed_when_a_prefix_is(store: LocalStore) -> None:
    for key in ("a/b/1", "a/b/c/2", "a/bc", "z"):
        store.write(key, [b"x"])
    store.delete_prefix("a/b/")
    store.delete_prefix("a/b")
    assert _keys(store) == ["a/bc", "z"]
    store.delete_prefix("z")
    assert _keys(store) == ["a/bc"]


def test_keys_are_listed_with_their_time_when_asked(store: LocalStore) -> None:
    for key in ("b", "a/2", "a/1"):
        store.write(key, [b"x"])
    os.utime(store.root / "b", (1000, 1000))
    assert _keys(store) == ["a/1", "a/2", "b"]
    assert _keys(store, "a") == ["a/1", "a/2"]
    assert list(store.keys("b")) == [("b", 1000.0)]
    assert _keys(store, "none") == []


def test_missing_is_told_when_there_is_no_object(store: LocalStore) -> None:
    store.write("a/b", [b"x"])
    for key in ("none", "a", "a/b/c"):
        with pytest.raises(ObjectMissing):
            store.open(key)
        with pytest.raises(ObjectMissing):
            store.digest(key)
        with pytest.raises(ObjectMissing), store.local_path(key):
            pass


def test_writers_and_pruners_do_not_break_each_other_when_they_race(store: LocalStore) -> None:
    errors: list[BaseException] = []

    def churn(name: str) -> None:
        try:
            for _ in range(200):
                store.write(f"a/b/{name}", [b"x"])
                store.delete(f"a/b/{name}")
        except BaseException as error:  # noqa: BLE001 - the main thread looks at it
            errors.append(error)

    threads = [threading.Thread(target=churn, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_abandoned_writes_are_removed_when_the_store_is_opened_a_day_later(
    store: LocalStore,
) -> None:
    old, new = store.root / ".incoming" / "old", store.root / ".incoming" / "new"
    old.write_text("x")
    new.write_text("x")
    os.utime(old, (1000, 1000))
    LocalStore(store.root)
    assert not old.exists()
    assert new.exists()


def test_store_is_opened_when_the_location_is_a_path_or_file_url(tmp_path: Path) -> None:
    for location in (str(tmp_path / "x y"), f"file://{tmp_path}/x%20y"):
        store = open_store(location)
        assert isinstance(store, LocalStore)
        assert store.root == tmp_path / "x y"


@pytest.mark.parametrize("location", ["", "s3://bucket", "file://host/x", "file://", "http://x"])
def test_location_is_refused_when_it_is_of_an_unknown_kind(location: str) -> None:
    with pytest.raises(UnknownStore):
        open_store(location)
