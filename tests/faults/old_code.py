"""The code as it was before the newest change of the contract, taken from the history.

It runs with the libraries of today, which its lock file's successors allow.
"""

import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from tests.faults.servers import Template, make_template
from tests.faults.table import FaultRow

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("babelmill", "gateway", "job_service", "media_worker", "translation_worker")


@dataclass(frozen=True)
class OldCode:
    """Where the old packages lie, and a database of theirs."""

    directory: Path
    template: Template

    @property
    def environment(self) -> dict[str, str]:
        """What a service is started with to run the old code."""
        return {"PYTHONPATH": str(self.directory)}


@pytest.fixture
def old_code(row: FaultRow, tmp_path: Path) -> OldCode:
    """The code one version of the contract back."""
    newest = _git("log", "-1", "--format=%H", "--", "protos").decode().strip()
    archive = _git("archive", f"{newest}^", *_PACKAGES) if newest else b""
    if not archive:
        row.skip("the history of the code is not here")
        pytest.skip("the history of the code is not here")
    directory = tmp_path / "old"
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(directory, filter="data")
    home = tmp_path / "template"
    home.mkdir()
    return OldCode(directory, make_template(home, python_path=str(directory)))


def _git(*arguments: str) -> bytes:
    """Return what git says; nothing if there is no repository, or not that far back."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=_ROOT, capture_output=True, check=False, timeout=60
        )
    except FileNotFoundError:
        return b""
    return done.stdout if done.returncode == 0 else b""
