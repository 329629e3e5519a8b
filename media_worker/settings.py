"""The media worker's settings, from the environment."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from babelmill.kit.worker.settings import WorkerSettings
from media_worker.ffmpeg.isolation import IsolationLevel
from media_worker.ffmpeg.isolation_trial import find_isolation
from media_worker.ffmpeg.session import MediaLimits

_GIB = 1024**3


class MediaWorkerSettings(WorkerSettings):
    """What every worker has, and where ffmpeg is and what it may take."""

    ffmpeg: Path | None = None
    """The ffmpeg to run; by default the one in the imageio-ffmpeg wheel."""
    media_max_duration_seconds: float = Field(default=12 * 3600.0, gt=0)
    media_max_pixels: int = Field(default=7680 * 4320, ge=16)
    media_max_streams: int = Field(default=64, ge=1, le=1000)
    media_max_processing_seconds: float = Field(default=6 * 3600.0, gt=0)
    media_max_output_bytes: int = Field(default=64 * _GIB, ge=1)
    media_max_memory_bytes: int = Field(default=8 * _GIB, ge=4 * _GIB)
    """Address space of one ffmpeg; large pictures need several times what they use."""
    media_threads: int | None = Field(default=None, ge=1, le=256)
    """Threads of one ffmpeg; by default the cores shared among the worker's slots."""

    media_isolation: IsolationLevel | None = None
    """How ffmpeg is kept apart; by default as well as the host can."""

    @field_validator("ffmpeg")
    @classmethod
    def _is_executable(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_file() and os.access(value, os.X_OK)):
            raise ValueError("must be an executable file")
        return value

    @model_validator(mode="after")
    def _isolates(self) -> Self:
        if self.media_isolation is not None:
            find_isolation(self.find_ffmpeg(), self.media_isolation)
        return self

    def find_ffmpeg(self) -> Path:
        """Give the ffmpeg to run, as an absolute path."""
        if self.ffmpeg is not None:
            return self.ffmpeg.absolute()
        from imageio_ffmpeg import get_ffmpeg_exe

        return Path(get_ffmpeg_exe()).absolute()

    def media_limits(self) -> MediaLimits:
        """Give the limits of one attempt."""
        cores = len(os.sched_getaffinity(0))
        return MediaLimits(
            max_duration_seconds=self.media_max_duration_seconds,
            max_pixels=self.media_max_pixels,
            max_streams=self.media_max_streams,
            max_processing_seconds=self.media_max_processing_seconds,
            max_output_bytes=self.media_max_output_bytes,
            max_memory_bytes=self.media_max_memory_bytes,
            threads=self.media_threads or max(1, cores // self.concurrency),
            isolation=find_isolation(self.find_ffmpeg(), self.media_isolation),
        )
