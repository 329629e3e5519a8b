"""Output names: what people see of a translated file, safe whatever the source was called."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_UNSAFE = re.compile(r"[^\w.,()+ -]")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_MAX_STEM_CHARACTERS = 100


def output_filename(
    source_filename: str, target_language: str, extensions: Sequence[str] = ()
) -> str:
    """Return a name for people: "letter.txt" becomes "letter.pt.txt", no name "pt.txt".

    An extension that is not one of the format's, if they are given, gives way to the usual one.
    """
    language = _UNSAFE.sub("_", target_language)
    source = PurePosixPath(source_filename.replace("\\", "/")).name
    stem, suffix = PurePosixPath(source).stem, PurePosixPath(source).suffix
    stem = _UNSAFE.sub("_", stem)[:_MAX_STEM_CHARACTERS].strip(" .")
    if extensions and suffix.lower() not in extensions:
        suffix = extensions[0]
    suffix = suffix if _SUFFIX.fullmatch(suffix) else ".txt"
    return f"{stem}.{language}{suffix}" if stem else f"{language}{suffix}"
