"""Model directories: which converted models lie in a directory, and what each needs.

An Argos package, unpacked, has `metadata.json`, `model/` and `sentencepiece.model`. Any other
model is in a directory named by its pair, with `model.bin` and either `sentencepiece.model`, or
`source.spm` and `target.spm` as OPUS-MT has them; the latter want an end mark after a sentence.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from translation_worker.engines.engine import LanguagePair
from translation_worker.engines.language_tags import shortest_tag

MAX_METADATA_BYTES = 1024 * 1024
_PAIR_NAME = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")
_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})?")


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """Where the files of one direction are."""

    pair: LanguagePair
    model: Path
    pieces: Path
    version: str
    target_prefix: str = ""
    adds_end: bool = False


def find_models(directory: Path) -> tuple[dict[LanguagePair, ModelDirectory], Mapping[str, str]]:
    """Return the models of a directory, and the names of unusable ones with the reason.

    Where two give the same direction, the last by name counts: it is the newer version.
    """
    found: dict[LanguagePair, ModelDirectory] = {}
    rejected: dict[str, str] = {}
    if not directory.is_dir():
        return found, rejected
    for path in sorted(directory.iterdir()):
        if not path.is_dir():
            continue
        try:
            model = _read(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            rejected[path.name] = f"{type(error).__name__}"
        else:
            if model is not None:
                found[model.pair] = model
    return found, rejected


def _read(path: Path) -> ModelDirectory | None:
    """Return what is in a directory, None if it is no model's. Raises for a damaged one."""
    metadata = path / "metadata.json"
    if metadata.is_file():
        if metadata.stat().st_size > MAX_METADATA_BYTES:
            raise ValueError("the metadata are too large")
        told = json.loads(metadata.read_text(encoding="utf-8"))
        pair = LanguagePair(_code(told["from_code"]), _code(told["to_code"]))
        return _model(pair, path / "model", path, str(told.get("target_prefix", "")))
    named = _PAIR_NAME.fullmatch(path.name)
    if named is None or not (path / "model.bin").is_file():
        return None
    pair = LanguagePair(shortest_tag(named[1]), shortest_tag(named[2]))
    return _model(pair, path, path, "")


def _model(pair: LanguagePair, model: Path, beside: Path, prefix: str) -> ModelDirectory:
    if pair.source == pair.target:
        raise ValueError("the pair is none")
    weights = (model / "model.bin").stat()
    both = beside / "sentencepiece.model"
    pieces = both if both.is_file() else beside / "source.spm"
    digest = hashlib.sha256(pieces.read_bytes())
    config = model / "config.json"
    if config.is_file():
        digest.update(config.read_bytes())
    digest.update(f"{weights.st_size} {weights.st_mtime_ns}".encode())
    return ModelDirectory(
        pair, model, pieces, digest.hexdigest()[:16], prefix, adds_end=pieces != both
    )


def _code(value: object) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value.lower()):
        raise ValueError("a language code is none")
    return shortest_tag(value.lower())
