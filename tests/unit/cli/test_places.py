"""Results never land where the user did not say."""

from pathlib import Path

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from babelmill.cli.places import as_directory, place_for, safe_name, write_whole


@given(st.text(max_size=400))
@example("\U0001f600" * 300 + ".mp4")
@example(". " * 200 + "é" * 300)
def test_a_label_never_becomes_a_path_when_made_a_name(label: str) -> None:
    name = safe_name(label, "fallback")
    assert name
    assert name not in {".", ".."}
    assert "/" not in name
    assert "\\" not in name
    assert name.isprintable()
    assert not name.startswith(".")
    assert len(name.encode()) <= 255


def test_a_label_is_kept_when_it_is_harmless() -> None:
    assert safe_name("clip 1.mp4", "x") == "clip 1.mp4"
    assert safe_name("../../etc/passwd", "x") == "passwd"
    assert safe_name("C:\\clip.mp4", "x") == "clip.mp4"
    assert safe_name("..", "x") == "x"


def test_the_path_is_the_users_when_it_is_no_directory(tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.write_text("old")
    assert place_for(named, "label", force=False) == named


def test_a_file_is_not_replaced_when_the_user_did_not_name_it(tmp_path: Path) -> None:
    (tmp_path / "label").write_text("old")
    with pytest.raises(typer.BadParameter, match="--force"):
        place_for(tmp_path, "label", force=False)
    assert place_for(tmp_path, "label", force=True) == tmp_path / "label"
    assert place_for(tmp_path, "other", force=False) == tmp_path / "other"


def test_a_directory_is_made_when_the_path_ends_in_a_slash(tmp_path: Path) -> None:
    made = as_directory(f"{tmp_path}/deep/er/")
    assert made is not None
    assert made.is_dir()
    assert as_directory(None) is None


def test_a_file_is_as_before_when_writing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result"
    write_whole(path, b"first")

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert [found.name for found in tmp_path.iterdir()] == ["result"]
