"""Small disks that can be filled: each is a tmpfs of its own, which only root can mount."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.table import FaultRow

_MIB = 1024 * 1024


class SmallDisk:
    """A disk of `size_mib`, mounted until `close`."""

    def __init__(self, size_mib: int) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="faults-disk-"))
        # The embedded PostgreSQL is another user.
        options = f"size={size_mib}m,mode=0755"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path],
            check=True,
            capture_output=True,
        )
        self._ballast = self.path / "ballast"

    @property
    def free_bytes(self) -> int:
        """How much still fits on it."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Leave only so much."""
        with self._ballast.open("ab") as ballast:
            while (excess := self.free_bytes - leave_bytes) > 0:
                os.posix_fallocate(
                    ballast.fileno(), ballast.seek(0, os.SEEK_END), min(excess, _MIB)
                )

    def empty(self) -> None:
        """Take away what `fill` has put there."""
        self._ballast.unlink()

    def close(self) -> None:
        """Unmount it; what still has files open on it keeps them."""
        subprocess.run(["umount", "--lazy", self.path], check=True, capture_output=True)
        self.path.rmdir()


@pytest.fixture
def small_disks(row: FaultRow) -> Iterator[list[SmallDisk]]:
    """Put disks here, and they are unmounted. Name it before the house, which must end first."""
    if os.geteuid() != 0:
        row.skip("mounting a small disk takes root")
        pytest.skip("mounting a small disk takes root")
    disks: list[SmallDisk] = []
    yield disks
    for disk in disks:
        disk.close()
