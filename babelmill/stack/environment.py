"""The file that tells shells, clients and tests where a running stack is.

KEY=VALUE lines, readable by their owner only because the token is among them.
The file exists exactly while the stack is ready.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "env"


def read_environment(home: Path) -> dict[str, str]:
    """Return what the file says; empty if there is none."""
    try:
        text = (home / FILE_NAME).read_text()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: "".join(shlex.split(value)) for key, _, value in pairs}


def write_environment(home: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    temporary = home / f"{FILE_NAME}.new"
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{key}={shlex.quote(value)}\n" for key, value in values.items())
    temporary.replace(home / FILE_NAME)


def remove_environment(home: Path) -> None:
    """Say that the stack is not ready any more."""
    (home / FILE_NAME).unlink(missing_ok=True)
