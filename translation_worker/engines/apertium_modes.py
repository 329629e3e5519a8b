"""Apertium modes: which directions are installed, and the command lines behind each.

A `.mode` file holds one shell pipeline. It is parsed into argument lists here and never given to
a shell, so nothing in it can do more than name programs and their arguments.
"""

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from translation_worker.engines.engine import EngineError, LanguagePair
from translation_worker.engines.language_tags import shortest_tag

# Plain pairs only: "eng-spa", not "eco-es-fr", "es-pt_BR" or "eng-cat_valencia". The variants
# would each be a language of their own in the routes, and BCP 47 has no tag for some of them.
_PLAIN_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")


class MalformedModeError(EngineError):
    """The mode file is not a pipeline of programs that are installed."""


@dataclass(frozen=True)
class Mode:
    """One installed direction: a pipeline of commands, each a list of arguments."""

    pair: LanguagePair
    commands: tuple[tuple[str, ...], ...]


def parse_mode(pair: LanguagePair, text: str) -> Mode:
    """Parse a mode file's pipeline for null-flush use.

    `$1` is the generator's option: -g marks unknown words. `$2` is the tagger's: none. Each
    program gets -z, so that it flushes at every NUL. Raises MalformedModeError.
    """
    try:
        words = shlex.split(text, comments=True)
    except ValueError as error:
        raise MalformedModeError from error
    commands: list[tuple[str, ...]] = []
    current: list[str] = []
    for word in [*words, "|"]:
        if word != "|":
            replaced = {"$1": "-g", "$2": ""}.get(word, word)
            current += [replaced] if replaced else []
        elif current:
            commands.append((current[0], "-z", *current[1:]))
            current = []
        else:
            raise MalformedModeError
    for program, *arguments in commands:
        if shutil.which(program) is None:
            raise MalformedModeError(f"The program {program} is not installed.")
        missing = [path for path in arguments if path.startswith("/") and not Path(path).is_file()]
        if missing:
            raise MalformedModeError("Language data that the mode file names is missing.")
    return Mode(pair, tuple(commands))


def find_modes(directory: Path) -> tuple[dict[LanguagePair, Mode], Mapping[str, str]]:
    """Return the usable modes of a directory, and the unusable files with the reason.

    Where two files give the same direction ("en-es" and "eng-spa"), the first by name counts.
    """
    modes: dict[LanguagePair, Mode] = {}
    rejected: dict[str, str] = {}
    for path in sorted(directory.glob("*.mode")):
        match = _PLAIN_MODE.fullmatch(path.stem)
        if match is None:
            continue
        pair = LanguagePair(shortest_tag(match[1]), shortest_tag(match[2]))
        if pair in modes or pair.source == pair.target:
            continue
        try:
            modes[pair] = parse_mode(pair, path.read_text(encoding="utf-8"))
        except (MalformedModeError, OSError, UnicodeDecodeError) as error:
            rejected[path.name] = str(error)
    return modes, rejected
