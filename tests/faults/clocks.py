"""A clock that leaps in the processes that are given it, and in no other.

It needs libfaketime (Debian: libfaketime). Only the time of day leaps: no
real machine's monotonic clock does.
"""

import shlex
from pathlib import Path

import pytest

from tests.faults.table import FaultRow


class LeapingClock:
    """Shows the right time until told to leap."""

    def __init__(self, library: Path, file: Path) -> None:
        self._library = library
        self._file = file
        self.leap("+0")

    def leap(self, offset: str) -> None:
        """Be off the right time from now on: "+1h", "-1h"."""
        # In place: a process may have the file open. Readable by PostgreSQL's own user.
        self._file.write_text(f"{offset}\n")
        self._file.chmod(0o644)

    def environment(self) -> dict[str, str]:
        """Variables for a process that is to go by this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def wrap(self, programs: Path, wrapped: Path, name: str) -> None:
        """Make a directory of programs of which one goes by this clock.

        What libfaketime shares must be made by the user that the program runs as.
        """
        wrapped.mkdir()
        for program in programs.iterdir():
            (wrapped / program.name).symlink_to(program)
        variables = " ".join(
            f"{variable}={shlex.quote(value)}" for variable, value in self.environment().items()
        )
        (wrapped / name).unlink()
        (wrapped / name).write_text(f'#!/bin/sh\n{variables} exec {programs / name} "$@"\n')
        (wrapped / name).chmod(0o755)


@pytest.fixture
def clock(row: FaultRow, tmp_path: Path) -> LeapingClock:
    """A clock for some of the house's processes."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        row.skip("libfaketime is not installed")
        pytest.skip("libfaketime is not installed")
    return LeapingClock(libraries[0], tmp_path / "clock")
