"""Secret files: keys that an operator lays into files which only the owner can read."""

import os
import stat
from pathlib import Path

from translation_worker.engines.engine import EngineUnavailableError

MAX_KEY_CHARACTERS = 1000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_key(path: Path) -> str:
    """Return the key in a file.

    Raises EngineUnavailableError if the file cannot be read, others than its owner may use it,
    or there is no key in it that can go into a header.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_mode & _OTHERS:
                raise EngineUnavailableError("The file of a key must be its owner's alone.")
            data = file.read(MAX_KEY_CHARACTERS + 2)
    except OSError:
        raise EngineUnavailableError("The file of a key cannot be read.") from None
    key = data.decode("ascii", errors="replace").strip()
    if not is_key(key):
        raise EngineUnavailableError("The file of a key holds none.")
    return key


def is_key(key: str) -> bool:
    """Tell whether a key can go into a header: visible ASCII, not too long."""
    return (
        0 < len(key) <= MAX_KEY_CHARACTERS
        and key.isascii()
        and key.isprintable()
        and (" " not in key)
    )
