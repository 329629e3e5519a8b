"""All presets by name."""

from collections.abc import Mapping
from types import MappingProxyType

from media_worker.presets import audio, products, video
from media_worker.presets.recipe import Preset

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {preset.name: preset for preset in (*video.ROWS, *audio.ROWS, *products.ROWS)}
)
