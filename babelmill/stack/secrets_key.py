"""The key that the job service encrypts jobs' secrets with: a file of the stack's home."""

import os
import secrets
from pathlib import Path

FILE_NAME = "secrets.key"

_KEY_BYTES = 32


def secrets_key_file(home: Path) -> Path:
    """Return the key's file, made at the first start; only its owner can read it.

    Whoever removes it makes the secrets of jobs that have not ended unreadable.
    """
    path = home / FILE_NAME
    if not path.exists():
        temporary = home / f"{FILE_NAME}.new"
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        temporary.replace(path)
    return path
