"""Engine opening: the engines of one process as the settings want them, behind one gate."""

import dataclasses
import os
import socket
import uuid

from translation_worker.engine_settings import EngineSettings
from translation_worker.engines.registry import EngineRegistry, find_engines
from translation_worker.rate_limits import RateLimits, open_redis, parse_rates


def open_engines(settings: EngineSettings, *, probe: bool = False) -> EngineRegistry:
    """Return the engines, with their calls counted in Redis. Nothing is asked yet."""
    limits = RateLimits(
        parse_rates(settings.engine_rates),
        open_redis(settings.redis_url.get_secret_value()),
        user=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
    )
    return find_engines(
        settings.engines,
        settings.apertium_modes_dir,
        probe=probe,
        sources=dataclasses.replace(settings.engine_sources(), gate=limits),
    )
