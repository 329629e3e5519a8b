"""A transcode's options and the presets, between messages and the domain.

The options are read by the contract's own descriptor: one that is added to
the contract needs no line here.
"""

import math
from functools import partial

from babelmill.media.v1 import media_pb2
from job_service.api import checks
from job_service.api.validation import Violations
from job_service.domain.catalog import Preset, PresetKind
from job_service.domain.transcode_options import PresetOption, TranscodeOptions

_MAX_VALUES = 16
_BIT_RATES = frozenset({"video_bitrate_kbps", "audio_bitrate_kbps"})
_MAX_OPTIONS = 100
_MAX_DESCRIPTION = 500
_FIELDS = media_pb2.TranscodeOptions.DESCRIPTOR.fields_by_name


def read_options(
    given: media_pb2.TranscodeOptions, violations: Violations, path: str
) -> TranscodeOptions:
    """Read the options that are set; whether a preset takes them is not judged here."""
    values: dict[str, tuple[float, ...]] = {}
    for field, value in given.ListFields():
        numbers = tuple(value) if field.is_repeated else (value,)
        if len(numbers) > _MAX_VALUES:
            violations.add(f"{path}.{field.name}", f"There are more than {_MAX_VALUES}.")
        elif not all(math.isfinite(number) for number in numbers):
            violations.add(f"{path}.{field.name}", "It must be a finite number.")
        else:
            values[field.name] = numbers
    if "quality" in values:
        for name in sorted(_BIT_RATES.intersection(values)):
            violations.add(f"{path}.{name}", "It cannot go with quality.", "CONFLICT")
    return TranscodeOptions(values)


def write_options(found: TranscodeOptions) -> media_pb2.TranscodeOptions | None:
    """Write options; None where nothing was chosen."""
    if not found:
        return None
    message = media_pb2.TranscodeOptions()
    for name, values in found.values.items():
        field = _FIELDS.get(name)
        if field is None:
            continue  # It was stored by a newer service.
        as_number = float if field.cpp_type == field.CPPTYPE_DOUBLE else int
        if field.is_repeated:
            getattr(message, name).extend(as_number(value) for value in values)
        else:
            setattr(message, name, as_number(values[0]))
    return message


def write_preset(found: Preset) -> media_pb2.Preset:
    """Write a preset."""
    return media_pb2.Preset(
        name=found.name,
        kind=media_pb2.PresetKind.Value(f"PRESET_KIND_{found.kind}"),
        description=found.description,
        file_extension=found.file_extension,
        media_type=found.media_type,
        video_codec=found.video_codec,
        audio_codec=found.audio_codec,
        needs_video=found.needs_video,
        needs_audio=found.needs_audio,
        options=[
            media_pb2.PresetOption(
                name=option.name,
                minimum=option.minimum,
                maximum=option.maximum,
                choices=option.choices,
            )
            for option in found.options
        ],
        takes_segments=found.takes_segments,
    )


def read_preset(message: media_pb2.Preset, path: str, violations: Violations) -> Preset:
    """Read a preset that a worker announces."""

    def text(name: str) -> str:
        given = getattr(message, name)
        return violations.check(
            f"{path}.{name}", partial(checks.plain_text, given, longest=_MAX_DESCRIPTION), ""
        )

    kind = PresetKind.VIDEO
    if message.kind == media_pb2.PRESET_KIND_UNSPECIFIED:
        violations.add(f"{path}.kind", "It is required.", "REQUIRED")
    else:
        try:
            kind = PresetKind(media_pb2.PresetKind.Name(message.kind).removeprefix("PRESET_KIND_"))
        except ValueError:
            violations.add(f"{path}.kind", "It must be a known kind.")
    if len(message.options) > _MAX_OPTIONS:
        violations.add(f"{path}.options", f"There are more than {_MAX_OPTIONS}.")
    return Preset(
        name=violations.check(f"{path}.name", lambda: checks.name(message.name), ""),
        kind=kind,
        description=text("description"),
        file_extension=violations.check(
            f"{path}.file_extension", lambda: checks.name(message.file_extension), ""
        ),
        media_type=violations.check(
            f"{path}.media_type", lambda: checks.media_type(message.media_type), ""
        ),
        video_codec=text("video_codec"),
        audio_codec=text("audio_codec"),
        needs_video=message.needs_video,
        needs_audio=message.needs_audio,
        options=tuple(
            _option(option, f"{path}.options[{index}]", violations)
            for index, option in enumerate(message.options[:_MAX_OPTIONS])
        ),
        takes_segments=message.takes_segments,
    )


def _option(message: media_pb2.PresetOption, path: str, violations: Violations) -> PresetOption:
    numbers = (message.minimum, message.maximum, *message.choices)
    if not all(math.isfinite(number) for number in numbers):
        violations.add(path, "Its bounds and choices must be finite numbers.")
    return PresetOption(
        name=violations.check(f"{path}.name", lambda: checks.name(message.name), ""),
        minimum=message.minimum,
        maximum=message.maximum,
        choices=tuple(message.choices),
    )
