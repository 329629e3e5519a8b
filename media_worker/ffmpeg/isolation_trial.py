"""Finds out how well ffmpeg can be kept apart on this host, by doing it.

Whether user namespaces, Landlock and seccomp are there is a matter of the
kernel, the container and its rules; asking each of them is longer and less
certain than starting ffmpeg once.
"""

import tempfile
import time
from functools import cache
from pathlib import Path

from babelmill.kit.process.logs import get_logger
from babelmill.kit.worker.cancellation import CancellationToken
from media_worker.ffmpeg.isolation import Isolation, IsolationLevel, possible_levels
from media_worker.ffmpeg.measurement import UsageMeter
from media_worker.ffmpeg.runner import FfmpegRunner, ProcessLimits, RunnerBroken

_TRIAL_SECONDS = 20.0
_TRIAL_LIMITS = ProcessLimits(
    address_space_bytes=4 * 1024**3, file_size_bytes=1024**2, cpu_seconds=int(_TRIAL_SECONDS)
)

_log = get_logger(__name__)


class IsolationUnavailable(ValueError):
    """The level that was asked for does not work on this host."""


@cache
def find_isolation(ffmpeg: Path, wanted: IsolationLevel | None = None) -> Isolation:
    """Return the strongest level that works here, or the wanted one.

    Raises IsolationUnavailable if the wanted one does not work.
    """
    for isolation in possible_levels():
        if wanted in (None, isolation.level) and _works(ffmpeg, isolation):
            weak = isolation.level is IsolationLevel.LIMITS
            (_log.warning if weak else _log.info)("ffmpeg_isolated", level=isolation.level)
            return isolation
    if wanted is None:
        # ffmpeg does not run at all; the first attempt will say so.
        return Isolation()
    raise IsolationUnavailable(f"{wanted} does not work on this host")


def _works(ffmpeg: Path, isolation: Isolation) -> bool:
    with tempfile.TemporaryDirectory(prefix="babelmill-trial-") as name:
        try:
            result = FfmpegRunner(ffmpeg, _TRIAL_LIMITS, isolation).run(
                ["-nostdin", "-v", "error", "-version"],
                directory=Path(name),
                stop=CancellationToken(),
                deadline_seconds=time.monotonic() + _TRIAL_SECONDS,
                meter=UsageMeter(),
            )
        except RunnerBroken:
            return False
    return result.succeeded
