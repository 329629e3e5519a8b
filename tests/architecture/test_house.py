"""The house rules that a machine can see."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL_FOLDERS = {
    "babelmill",
    "bench",
    "deploy",
    "docs",
    "gateway",
    "job_service",
    "media_worker",
    "protos",
    "tests",
    "translation_worker",
}
LONGEST_FILE_LINES = 350
VAGUE_NAMES = re.compile(r"(utils?|helpers?|common|misc|base|manager)s?\.py$")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def own_sources() -> list[Path]:
    return [p for p in tracked_files() if p.suffix == ".py" and "_pb2" not in p.name]


@pytest.mark.row("C2")
def test_top_level_holds_only_the_house_when_listed() -> None:
    folders = {p.parts[0] for p in tracked_files() if len(p.parts) > 1 and p.parts[0][0] != "."}
    assert folders <= TOP_LEVEL_FOLDERS
    assert folders >= TOP_LEVEL_FOLDERS - {"bench", "docs"}
    assert (ROOT / "buf.yaml").exists()


def test_files_are_short_when_counted() -> None:
    lengths = {p: len((ROOT / p).read_text().splitlines()) for p in own_sources()}
    assert {p: n for p, n in lengths.items() if n > LONGEST_FILE_LINES} == {}


def test_names_say_what_a_file_is_for_when_listed() -> None:
    assert [p for p in own_sources() if VAGUE_NAMES.search(p.name)] == []


def test_modules_say_what_they_own_when_read() -> None:
    silent = [
        p
        for p in own_sources()
        if (text := (ROOT / p).read_text()).strip()
        and not text.lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []
