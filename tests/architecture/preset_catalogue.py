"""Writes the tables of docs/media.md from the code: what presets make and take, and of what.

Usage: PYTHONPATH=. python tests/architecture/preset_catalogue.py
"""

from pathlib import Path

from media_worker.presets.catalogue import PRESETS
from media_worker.presets.options import allowed_options
from media_worker.presets.recipe import AllowedOption, Preset
from tests.unit.media_worker.media_inputs import INPUTS, missing_stream

PAGE = Path(__file__).resolve().parents[2] / "docs" / "media.md"
_BEGIN = "<!-- {name}: written by tests/architecture/preset_catalogue.py -->"
_END = "<!-- end -->"


def page(text: str) -> str:
    """Return the page with the tables that the code gives today."""
    for name, lines in (("presets", _presets()), ("matrix", _matrix())):
        before, begin, rest = text.partition(_BEGIN.format(name=name))
        _, end, after = rest.partition(_END)
        text = "\n".join((before + begin, *lines, end + after))
    return text


def _presets() -> list[str]:
    lines = ["| preset | makes | media type | codecs |", "|---|---|---|---|"]
    for preset in PRESETS.values():
        codecs = [r.codec for r in (preset.video, preset.audio) if r is not None and r.codec]
        lines.append(
            f"| `{preset.name}` | {preset.description} | {preset.media_type} | "
            f"{', '.join(codecs)} |"
        )
    lines += ["", "| preset | options |", "|---|---|"]
    for preset in PRESETS.values():
        options = ", ".join(_option(option) for option in allowed_options(preset))
        lines.append(f"| `{preset.name}` | {options} |")
    return lines


def _matrix() -> list[str]:
    return [
        f"| preset | {' | '.join(INPUTS)} |",
        "|---|" + "---|" * len(INPUTS),
        *(
            f"| `{name}` | {' | '.join(_outcome(each, preset) for each in INPUTS)} |"
            for name, preset in PRESETS.items()
        ),
    ]


def _option(option: AllowedOption) -> str:
    if len(option.choices) == 1:
        return f"`{option.name}`"
    if option.choices:
        return f"`{option.name}` {'/'.join(f'{choice:g}' for choice in option.choices)}"
    return f"`{option.name}` {option.minimum:g} to {option.maximum:g}"


def _outcome(name: str, preset: Preset) -> str:
    missing = missing_stream(name, preset)
    return f"no {missing}" if missing else "✔"


def main() -> None:
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
