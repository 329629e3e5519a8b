"""What can be asked for: what the workers that are there have said they can do.

It is only ever as good as the newest announcements; a step can still find its
worker gone, so a worker checks its own step again.
"""

from dataclasses import dataclass
from enum import StrEnum

from job_service.domain.transcode_options import PresetOption


class PresetKind(StrEnum):
    """What a preset makes."""

    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    IMAGE = "IMAGE"
    PACKAGE = "PACKAGE"
    REPORT = "REPORT"


@dataclass(frozen=True, slots=True)
class Engine:
    """A translator that a worker has at hand."""

    name: str
    version: str = ""
    description: str = ""
    any_pair: bool = False
    needs_chat_model: bool = False
    keeps_glossary: bool = False
    sets_tone: bool = False
    max_batch_segments: int = 0
    costs_money: bool = False


@dataclass(frozen=True, slots=True)
class RouteHop:
    """One engine's part of a route."""

    engine: str
    source_language: str
    target_language: str


@dataclass(frozen=True, slots=True)
class LanguagePair:
    """One direction that can be translated, with the route that would be taken."""

    source_language: str
    target_language: str
    hops: tuple[RouteHop, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """A named media recipe."""

    name: str
    kind: PresetKind
    description: str = ""
    file_extension: str = ""
    media_type: str = ""
    video_codec: str = ""
    audio_codec: str = ""
    needs_video: bool = False
    needs_audio: bool = False
    options: tuple[PresetOption, ...] = ()
    takes_segments: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that can be translated."""

    name: str
    description: str = ""
    extensions: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerAnnouncement:
    """What one worker process says of itself; `worker_id` is "service@host:pid"."""

    worker_id: str
    service: str
    version: str
    step_kinds: tuple[str, ...] = ()
    engines: tuple[Engine, ...] = ()
    pairs: tuple[LanguagePair, ...] = ()
    presets: tuple[Preset, ...] = ()
    formats: tuple[Format, ...] = ()
