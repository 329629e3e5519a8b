"""What `babelmill translate` is given: words, a text file, a document, an address, or records."""

import json
import sys
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import typer

from babelmill.client.requests import LARGEST_INLINE_TEXT_BYTES

_WEB = ("http://", "https://")
_TEXT_SUFFIXES = frozenset({"", ".txt", ".text"})
_LARGEST_RECORDS_BYTES = 4 * 1024 * 1024


class SourceKind(Enum):
    """Which kind of job a source becomes."""

    TEXT = auto()
    DOCUMENT = auto()
    ADDRESS = auto()
    RECORDS = auto()


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be translated; `path` is set for files that are uploaded."""

    kind: SourceKind
    stem: str = "translation"
    suffix: str = ".txt"
    text: str = ""
    url: str = ""
    path: Path | None = None
    records: tuple[dict[str, object], ...] = ()


def read_source(given: str, *, fields: list[str], as_document: bool) -> Source:
    """Tell what `given` is and read it. Raises typer.BadParameter.

    Fields make a JSON file records. A plain text file is a text unless what is asked for only
    documents have.
    """
    if given == "-":
        data = sys.stdin.buffer.read()
        return _records(data, "stdin") if fields else _text(_decoded(data, "stdin"))
    if given.lower().startswith(_WEB):
        return Source(SourceKind.ADDRESS, url=given)
    path = _existing_file(given)
    if path is not None:
        return _read_file(path, fields=fields, as_document=as_document)
    if fields or as_document:
        raise typer.BadParameter(f"there is no file {given!r}")
    return _text(given)


def _read_file(path: Path, *, fields: list[str], as_document: bool) -> Source:
    if fields:
        return _records(path.read_bytes(), path.name, path.stem)
    if as_document or path.suffix.lower() not in _TEXT_SUFFIXES:
        return Source(SourceKind.DOCUMENT, path.stem, path.suffix, path=path)
    if path.stat().st_size > LARGEST_INLINE_TEXT_BYTES:
        return Source(SourceKind.TEXT, path.stem, path.suffix, path=path)
    return Source(
        SourceKind.TEXT, path.stem, path.suffix, text=_decoded(path.read_bytes(), str(path))
    )


def _text(text: str) -> Source:
    return Source(SourceKind.TEXT, text=text)


def _records(data: bytes, name: str, stem: str = "records") -> Source:
    if len(data) > _LARGEST_RECORDS_BYTES:
        raise typer.BadParameter(f"{name} holds too much for one job; split it")
    text = _decoded(data, name)
    try:
        try:
            value = json.loads(text)
        except ValueError:  # one record a line
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{name} is neither JSON nor JSON lines") from error
    rows = value if isinstance(value, list) else [value]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise typer.BadParameter(f"{name} holds no list of objects")
    return Source(SourceKind.RECORDS, stem, ".json", records=tuple(rows))


def _existing_file(given: str) -> Path | None:
    try:
        return Path(given) if Path(given).is_file() else None
    except (OSError, ValueError):  # a text can be too long or too odd for a name
        return None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(
            f"{name} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}"
        ) from error
