"""Work for the faults: real texts and real media, as short or as long as a test needs."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

from babelmill.client import requests
from babelmill.jobs.v1 import job_pb2

_PLACES = ("harbour", "library", "kitchen", "station", "garden", "market", "office", "museum")
_ACTS = ("opens early", "closes late", "looks empty", "was painted", "needs repair", "is crowded")


def sentences(count: int, seed: int = 0) -> str:
    """English prose of `count` different sentences; about 25 ms of work each."""
    return " ".join(
        f"On day {seed + number} the {_PLACES[number % len(_PLACES)]} near street"
        f" {number * 7 % 101} {_ACTS[number % len(_ACTS)]} and nobody knows why."
        for number in range(count)
    )


def text_spec(text: str = "Good morning, world.") -> job_pb2.JobSpec:
    """A translation into Portuguese by the bundled neural engine."""
    return requests.text_spec(text, "en", ["pt"], "bergamot")


def short_texts(count: int) -> list[job_pb2.JobSpec]:
    """Specs of `count` different short texts."""
    return [text_spec(f"Letter number {number} has arrived today.") for number in range(count)]


def long_text(sentence_count: int = 200, seed: int = 0) -> job_pb2.JobSpec:
    """A translation that takes some seconds."""
    return text_spec(sentences(sentence_count, seed))


class ClipMaker:
    """Makes real videos with sound, each kind once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, *, seconds: int = 4, size: str = "320x180") -> Path:
        path = self._directory / f"clip-{seconds}-{size}.mkv"
        if path.exists():
            return path
        subprocess.run(
            [
                imageio_ffmpeg.get_ffmpeg_exe(),
                *("-nostdin", "-y", "-v", "error"),
                *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}"),
                *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
                *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", path),
            ],
            check=True,
            timeout=120,
        )
        return path


def transcode_spec(artifact_id: str, preset: str = "mp3") -> job_pb2.JobSpec:
    """A transcode of an uploaded clip."""
    return requests.transcode_spec(artifact_id, preset)
