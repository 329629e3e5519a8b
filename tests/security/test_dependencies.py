"""What is installed is what was locked: every package by its hash, and no other bytes."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*(?:\n    .*)*)", re.MULTILINE
)


def entries() -> list[re.Match[str]]:
    return list(ENTRY.finditer(LOCK.read_text()))


@pytest.mark.matrix(64)
def test_every_package_has_one_version_and_its_hashes_when_locked() -> None:
    requirements = [
        line for line in LOCK.read_text().splitlines() if line and line[0] not in "# \t"
    ]
    assert len(requirements) == len(entries()) > 50
    for entry in entries():
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry["rest"]), entry["name"]
    assert "--require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()


@pytest.mark.matrix(64)
def test_package_is_refused_when_its_bytes_are_not_those_locked(tmp_path: Path) -> None:
    entry = next(each for each in entries() if each["name"] == "amqp")
    name = f"{entry['name']}-{entry['version']}"
    with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("amqp/__init__.py", "raise SystemExit('swapped')\n")
        wheel.writestr(
            f"{name}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {entry['name']}\nVersion: {entry['version']}\n",
        )
        wheel.writestr(
            f"{name}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{name}.dist-info/RECORD", "")
    (tmp_path / "one.txt").write_text(entry[0] + "\n")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--find-links", tmp_path, "--no-deps", "--target", tmp_path / "out"),
            *("--require-hashes", "-r", tmp_path / "one.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode != 0
    assert "DO NOT MATCH THE HASHES" in ran.stderr
    assert not (tmp_path / "out" / "amqp").exists()
