"""The nouns of a preset: what its output promises, which streams it needs, what may be chosen.

A client can only choose a row and typed options within its bounds; no word of
a client's becomes an argument.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class PresetKind(StrEnum):
    """What a preset makes."""

    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    PACKAGE = "package"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class QualityScale:
    """An encoder's own scale of quality, which a choice from 1 to 100 is laid on."""

    option: str
    worst: float
    best: float
    usual: float
    decimals: int = 0
    also: tuple[str, ...] = ()
    """Arguments that go with the option."""

    def arguments(self, quality: int) -> tuple[str, ...]:
        """Give the arguments for a quality; 0 is the usual one."""
        value = self.usual
        if quality:
            value = self.worst + (self.best - self.worst) * (quality - 1) / 99
        return (self.option, f"{value:.{self.decimals}f}", *self.also)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRecipe:
    """How one kind of stream is made."""

    codec: str
    """The codec that the output then has, by ffmpeg's name for it."""
    encoder: str
    required: bool
    """Whether an input without such a stream is refused."""
    fixed: tuple[str, ...] = ()
    """Arguments that no option changes."""
    quality: QualityScale | None = None
    bitrates_kbps: tuple[int, int] | None = None
    """Between which a client may choose; None if it may not."""
    bitrate_kbps: int = 0
    """The usual one; 0 leaves it to the quality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecipe(StreamRecipe):
    """How pictures are made."""

    pixel_format: str = "yuv420p"
    max_width: int = 0
    """The usual one; 0 keeps the input's."""
    frame_rate: float = 0.0
    """The usual one; 0 keeps every frame as it is."""
    frame_rates: tuple[float, float] = (1.0, 120.0)
    threads_argument: tuple[str, str] | None = None
    """An option and the format of its value, for an encoder that does not mind `-threads`."""
    takes_size: bool = True
    caps_bitrate: bool = True
    """Whether the encoder keeps peaks down where a bit rate is asked for."""
    has_palette: bool = False
    """Whether its colours are chosen in a pass of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRecipe(StreamRecipe):
    """How sound is made."""

    channels: int = 0
    """The usual number; 0 keeps the input's."""
    sample_rate_hz: int = 0
    sample_rates_hz: tuple[int, ...] = ()
    """Among which a client may choose."""
    layouts: str = ""
    """Channel layouts that the encoder takes, where it does not find one by itself."""


@dataclass(frozen=True, slots=True)
class AllowedOption:
    """An option that a preset takes, by its name in the contract; no choices are all numbers."""

    name: str
    minimum: float
    maximum: float
    choices: tuple[float, ...] = ()

    def allows(self, value: float) -> bool:
        """Tell whether the preset can be made with this value."""
        if self.choices:
            return value in self.choices
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named media recipe."""

    name: str
    kind: PresetKind
    description: str
    muxer: str
    """The container, by ffmpeg's name for what writes it."""
    demuxer: str
    """The container, by ffmpeg's name for what reads it."""
    file_extension: str
    media_type: str
    video: VideoRecipe | None = None
    audio: AudioRecipe | None = None
    container_arguments: tuple[str, ...] = ()
    keeps_time: bool = True
    """Whether the container keeps the time of sound; else silence is put where there is none."""
    keeps_rate: bool = True
    """Whether frames may last as long as they like; else all last the same time."""
    more_options: tuple[AllowedOption, ...] = field(default=())
    """The options of what is neither video nor sound; those bring their recipes' own."""
