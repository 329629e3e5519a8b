"""Opens the artifact store that a location names.

A location is a directory or a file:// URL today; other kinds of store get
their scheme here.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.artifacts.store import ArtifactStore


class UnknownStore(ValueError):
    """The location is neither a directory nor a file:// URL."""


def open_store(location: str) -> ArtifactStore:
    """Open the store at a location, and make its directory if need be.

    Raises UnknownStore, StoreError.
    """
    if "://" not in location:
        if not location:
            raise UnknownStore("the artifact store's location is empty")
        return LocalStore(Path(location))
    url = urlsplit(location)
    if url.scheme != "file":
        raise UnknownStore(f"no artifact store for scheme {url.scheme!r}; use a path or file://")
    if url.netloc not in ("", "localhost") or not url.path.startswith("/"):
        raise UnknownStore("a file:// location must be an absolute path on this host")
    return LocalStore(Path(unquote(url.path)))
