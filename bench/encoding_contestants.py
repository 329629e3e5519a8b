"""Who encodes: the whole service, and bare ffmpeg with the very arguments that the service used."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from babelmill.client import Client
from babelmill.jobs.v1 import artifact_pb2, job_pb2, usage_pb2
from babelmill.media.v1 import segments_pb2

JOB_SECONDS = 3600.0
_POLL_SECONDS = 0.005
_WHOLE = segments_pb2.Segments(mode=segments_pb2.SEGMENTS_MODE_OFF)
# Starts ffmpeg from a small process: a child's peak of memory begins with its parent's.
_STARTER = (
    "import json,os,sys;p=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ);"
    "_,s,u=os.wait4(p,0);print(json.dumps([s,u.ru_maxrss*1024,u.ru_utime+u.ru_stime]))"
)


class EncodingError(Exception):
    """Somebody has not encoded what it was given."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What one encoding has cost."""

    wall_seconds: float
    peak_rss_bytes: int
    cpu_seconds: float


class Service:
    """Babelmill with one media worker."""

    def __init__(self, client: Client, worker_pid: int) -> None:
        self._client = client
        self._worker = psutil.Process(worker_pid)

    def upload(self, clip: Path) -> artifact_pb2.Artifact:
        """Put a clip where jobs can name it."""
        return self._client.upload(clip)

    def encode(self, source: artifact_pb2.Artifact, preset: str) -> Encoding:
        """Submit one job and wait for its end."""
        started = time.monotonic()
        usage = self._finish(self._submit(source, preset))
        wall = time.monotonic() - started
        return Encoding(wall, usage.peak_rss_bytes, usage.cpu_seconds)

    def encode_all(self, sources: Sequence[artifact_pb2.Artifact], preset: str) -> float:
        """Submit a job each and wait for them all; return the seconds that it took."""
        started = time.monotonic()
        for job_id in [self._submit(source, preset) for source in sources]:
            self._finish(job_id)
        return time.monotonic() - started

    def arguments(self, source: artifact_pb2.Artifact, preset: str) -> list[str]:
        """Encode once and return ffmpeg's arguments for it, program and all."""
        job_id = self._submit(source, preset)
        found: list[str] = []
        while not found:
            for process in self._worker.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    command = process.cmdline()
                    if process.name().startswith("ffmpeg") and "-progress" in command:
                        found = command
            if self._client.get_job(job_id).HasField("finish_time"):
                break
            time.sleep(_POLL_SECONDS)
        self._finish(job_id)
        if not found:
            raise EncodingError("the service's ffmpeg was not seen")
        return found

    def own_cpu_seconds(self) -> float:
        """Return what the worker's processes have used so far, with all that they have waited for.

        Less what ffmpeg has used, it is the worker's own.
        """
        total = 0.0
        for process in (self._worker, *self._worker.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
        return total

    def _submit(self, source: artifact_pb2.Artifact, preset: str) -> str:
        return self._client.transcode(source, preset, segments=_WHOLE).job_id

    def _finish(self, job_id: str) -> usage_pb2.Usage:
        job = self._client.wait(job_id, timeout_seconds=JOB_SECONDS)
        if job.state != job_pb2.JOB_STATE_COMPLETED:
            raise EncodingError(f"a job ended as {job_pb2.JobState.Name(job.state)}")
        return job.usage


class Bare:
    """ffmpeg without anything around it, in a directory of its own."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        # Its reports go where nobody reads them; the rest is as the service had it.
        self._command = [os.devnull if word == "pipe:3" else word for word in command]
        self._directory = directory

    def encode(self, clip: Path) -> Encoding:
        """Run once."""
        return self._run(clip, 0)

    def encode_all(self, clips: Sequence[Path], at_once: int) -> float:
        """Run once for each clip, so many at once; return the seconds that it took."""
        started = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self._run, clips, range(len(clips))))
        return time.monotonic() - started

    def _run(self, clip: Path, number: int) -> Encoding:
        place = self._directory / str(number)
        place.mkdir(parents=True, exist_ok=True)
        (place / "input").unlink(missing_ok=True)
        (place / "input").symlink_to(clip)
        started = time.monotonic()
        said = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _STARTER, *self._command],
            cwd=place,
            env={"LC_ALL": "C", "SVT_LOG": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=JOB_SECONDS,
        )
        wall = time.monotonic() - started
        status, peak_rss_bytes, cpu_seconds = json.loads(said.stdout)
        if status != 0:
            raise EncodingError(f"bare ffmpeg ended with status {status}")
        return Encoding(wall, peak_rss_bytes, cpu_seconds)
