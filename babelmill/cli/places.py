"""Where results are written: names made safe, and nothing of the user's lost."""

import os
import tempfile
from pathlib import Path

import typer

_LONGEST_NAME_BYTES = 200


def safe_name(label: str, fallback: str) -> str:
    """Make a filename of a label that came from elsewhere: no path, nothing hidden."""
    name = label.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip(" .")
    # The end is what is kept of a long one: it tells the kind of file.
    tail = kept.encode(errors="ignore")[-_LONGEST_NAME_BYTES:].decode(errors="ignore")
    return tail.strip(" .") or fallback


def place_for(output: Path | None, name: str, *, force: bool) -> Path:
    """Choose the path for a result called `name`.

    An existing directory, or a path that ends in a slash, takes the name; any
    other path is the file itself and is replaced. A file that was not named by
    the user is replaced only by `force`. Raises typer.BadParameter.
    """
    if output is not None and not output.is_dir():
        return output
    path = (output or Path()) / name
    if path.exists() and not force:
        raise typer.BadParameter(f"{path} exists; use --force to replace it")
    return path


def as_directory(text: str | None) -> Path | None:
    """Read an output option; one that ends in a slash is made a directory."""
    if text is None:
        return None
    path = Path(text)
    if text.endswith(("/", os.sep)):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole or as it was before."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
