"""How announced presets lie in JSON, both ways.

They are written twice: as services before this one read them, which know two
kinds and no options, and in full.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from job_service.domain.catalog import Preset, PresetKind
from job_service.domain.transcode_options import PresetOption

Form = Mapping[str, Any]  # what lies in a JSON column
NewForm = dict[str, object]

_FIRST_KINDS = frozenset({PresetKind.VIDEO, PresetKind.AUDIO})


def first_forms(presets: Sequence[Preset]) -> list[NewForm]:
    """Write the presets of the first kinds, in brief."""
    return [_brief(preset) for preset in presets if preset.kind in _FIRST_KINDS]


def full_forms(presets: Sequence[Preset]) -> list[NewForm]:
    """Write all that is known of every preset."""
    return [
        {
            **_brief(preset),
            "video_codec": preset.video_codec,
            "audio_codec": preset.audio_codec,
            "needs_video": preset.needs_video,
            "needs_audio": preset.needs_audio,
            "options": [
                [option.name, option.minimum, option.maximum, list(option.choices)]
                for option in preset.options
            ],
            "takes_segments": preset.takes_segments,
        }
        for preset in presets
    ]


def read_presets(announced: Form) -> tuple[Preset, ...]:
    """Read the presets of an announcement, whichever service has stored it."""
    forms = announced.get("media_presets") or announced["presets"]
    return tuple(_read(form) for form in forms)


def _brief(preset: Preset) -> NewForm:
    return {
        "name": preset.name,
        "kind": preset.kind,
        "description": preset.description,
        "file_extension": preset.file_extension,
        "media_type": preset.media_type,
    }


def _read(form: Form) -> Preset:
    return Preset(
        name=form["name"],
        kind=PresetKind(form["kind"]),
        description=form["description"],
        file_extension=form["file_extension"],
        media_type=form["media_type"],
        video_codec=form.get("video_codec", ""),
        audio_codec=form.get("audio_codec", ""),
        needs_video=form.get("needs_video", False),
        needs_audio=form.get("needs_audio", False),
        options=tuple(
            PresetOption(name, minimum, maximum, tuple(choices))
            for name, minimum, maximum, choices in form.get("options", ())
        ),
        takes_segments=form.get("takes_segments", False),
    )
