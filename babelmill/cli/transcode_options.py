"""`--set NAME=VALUE`: a transcode's options, by their names in the contract."""

from collections.abc import Sequence
from typing import Annotated

import typer

from babelmill.media.v1 import media_pb2

_FIELDS = media_pb2.TranscodeOptions.DESCRIPTOR.fields_by_name
_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="NAME=VALUE",
        help=f"Change what the preset makes; repeatable. NAMEs: {', '.join(_FIELDS)}. "
        "`babelmill presets --json` tells which a preset takes.",
    ),
]


def parse_settings(given: Sequence[str] | None) -> media_pb2.TranscodeOptions | None:
    """Read `--set`; several values of one name are given with commas. Raises BadParameter."""
    if not given:
        return None
    options = media_pb2.TranscodeOptions()
    for setting in given:
        name, found, text = setting.partition("=")
        field = _FIELDS.get(name.strip().replace("-", "_"))
        if not found or field is None:
            raise typer.BadParameter(
                f"{setting!r} is not NAME=VALUE with a known name", param_hint="--set"
            )
        values = [_number(each, setting) for each in text.split(",")]
        if len(values) > 1 and not field.is_repeated:
            raise typer.BadParameter(f"{setting!r} takes one value", param_hint="--set")
        try:
            if field.is_repeated:
                getattr(options, field.name).extend(_whole(value, setting) for value in values)
            elif field.cpp_type == field.CPPTYPE_DOUBLE:
                setattr(options, field.name, values[0])
            else:
                setattr(options, field.name, _whole(values[0], setting))
        except (TypeError, ValueError):
            raise typer.BadParameter(
                f"{setting!r} has a value that does not fit", param_hint="--set"
            ) from None
    return options


def _number(text: str, setting: str) -> float:
    text = text.strip().lower()
    try:
        return _WORDS[text] if text in _WORDS else float(text)
    except ValueError:
        raise typer.BadParameter(f"{setting!r} needs a number", param_hint="--set") from None


def _whole(value: float, setting: str) -> int:
    if not value.is_integer():
        raise typer.BadParameter(f"{setting!r} needs a whole number", param_hint="--set")
    return int(value)
