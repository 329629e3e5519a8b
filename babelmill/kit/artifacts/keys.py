"""Which keys an artifact store accepts.

Parts that begin with a dot are refused: `..` leaves the store, and a store
keeps its own files under such names.
"""

import re

from babelmill.kit.artifacts.store import InvalidKey

MAX_KEY_LENGTH = 1024
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", re.ASCII)


def key_parts(key: str) -> tuple[str, ...]:
    """Split a key into its parts. Raises InvalidKey."""
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidKey("the key is too long")
    parts = tuple(key.split("/"))
    if not all(_PART.fullmatch(part) for part in parts):
        raise InvalidKey
    return parts
