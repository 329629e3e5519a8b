"""Sample documents: those in the source archives of libraries that are fetched for it."""

import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

import pytest

_ARCHIVES = {
    ".docx": "python-docx==1.2.0",
    ".pptx": "python-pptx==1.0.2",
    ".odt": "odfpy==1.4.1",
    ".odp": "odfpy==1.4.1",
}


@cache
def _fetched(requirement: str, folder: Path) -> Path | None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    options = ["--no-binary", ":all:", "--no-build-isolation", "--dest", str(folder)]
    fetched = subprocess.run(
        [*command, *options, requirement], check=False, capture_output=True, timeout=120
    )
    if fetched.returncode != 0:
        return None
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return folder


def samples(suffix: str, factory: pytest.TempPathFactory) -> list[Path]:
    """Return the documents of a kind; skips the test where their archive cannot be fetched."""
    folder = _fetched(_ARCHIVES[suffix], factory.getbasetemp() / f"samples{suffix}")
    if folder is None:
        pytest.skip(f"{_ARCHIVES[suffix]} cannot be fetched: no package index is reachable")
    return sorted(path for path in folder.rglob(f"*{suffix}") if path.is_file())
