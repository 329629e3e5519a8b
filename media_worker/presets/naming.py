"""Names outputs after their input: a label for people, never a path."""

import re
import unicodedata

from media_worker.presets.recipe import Preset

_MAX_STEM_CHARACTERS = 80
_FORBIDDEN = re.compile(r'[<>:"/\\|?*`$%]')
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")


def output_filename(input_filename: str, preset: Preset) -> str:
    """Name an output after its input."""
    return f"{output_stem(input_filename)}.{preset.file_extension}"


def output_stem(input_filename: str) -> str:
    """Give the name of an input without its extension.

    Takes the last part of what may look like a path, and drops what a file
    system or a shell could take for more than a name.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", input_filename))[-1]
    # Categories C*: controls, and the marks that turn the direction of writing.
    name = "".join(c for c in name if not unicodedata.category(c).startswith("C"))
    stem = _FORBIDDEN.sub("_", _EXTENSION.sub("", name)).strip(" .-'")
    stem = stem[:_MAX_STEM_CHARACTERS].rstrip(" .")
    return stem or "output"
