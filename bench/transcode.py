"""Measures transcoding through the whole service beside bare ffmpeg with the same arguments.

    python bench/transcode.py [--rounds N] [--seconds N] [--quick] [--json]

The arguments are read from the service's own ffmpeg, so both do the same work; the service probes
the input and checks the output besides. Everybody is measured in every round, in an order that
changes, and only ratios of one round count. Exit 1 if a job was lost.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe

from babelmill.client import Client
from babelmill.jobs.v1 import artifact_pb2
from bench.encoding_contestants import Bare, Encoding, EncodingError, Service
from bench.machine import observe
from bench.samples import Spread, paired_ratios, spread
from bench.servers import running_servers
from bench.tables import table, with_range

PRESET = "mp4-h264"
SLOTS = 2
SMALL_JOBS = 8
# What each ratio should be: at most, or at least.
TARGETS = {
    "wall time, one job": "<= 1.02",
    "peak memory, one job": "0.98 - 1.02",
    "own CPU of ffmpeg's": "<= 0.01",
    "small jobs a second, two slots": ">= 0.95",
}


@dataclass(slots=True)
class Samples:
    """Every round's figures."""

    ours: list[Encoding] = field(default_factory=list)
    bare: list[Encoding] = field(default_factory=list)
    own_cpu_seconds: list[float] = field(default_factory=list)
    our_small_seconds: list[float] = field(default_factory=list)
    bare_small_seconds: list[float] = field(default_factory=list)

    def ratios(self) -> dict[str, Spread]:
        """Divide round by round."""
        return {
            "wall time, one job": paired_ratios(
                [each.wall_seconds for each in self.ours],
                [each.wall_seconds for each in self.bare],
            ),
            "peak memory, one job": paired_ratios(
                [each.peak_rss_bytes for each in self.ours],
                [each.peak_rss_bytes for each in self.bare],
            ),
            "own CPU of ffmpeg's": spread(
                [
                    own / each.cpu_seconds
                    for own, each in zip(self.own_cpu_seconds, self.ours, strict=True)
                ]
            ),
            "small jobs a second, two slots": paired_ratios(
                self.bare_small_seconds, self.our_small_seconds
            ),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    before = observe()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-transcode-") as name:
            samples = _measure(options.rounds, options.seconds, Path(name))
    except EncodingError as error:
        print(error, file=sys.stderr)
        return 1
    after = observe()
    ratios = samples.ratios()
    if options.json:
        machine = {"before": before.to_json(), "after": after.to_json()}
        found = {what: ratio.to_json() for what, ratio in ratios.items()}
        print(json.dumps({"machine": machine, "rounds": options.rounds, "ratios": found}, indent=1))
        return 0
    rows = [(what, with_range(ratio), TARGETS[what]) for what, ratio in ratios.items()]
    print(table(("Babelmill to bare ffmpeg", "median (range)", "target"), rows))
    print(f"{options.seconds} s of 720p, {options.rounds} rounds; {before.cores} cores,")
    print(f"busy by others {before.busy_percent:.0f} % before, {after.busy_percent:.0f} % after")
    return 0


def _measure(rounds: int, seconds: int, place: Path) -> Samples:
    long = _clip(place / "long.mkv", seconds, "1280x720")
    small = [
        _clip(place / f"small{number}.mkv", max(1, seconds // 6), "640x360")
        for number in range(SMALL_JOBS)
    ]
    samples = Samples()
    with running_servers() as servers:
        servers.start_databases()
        servers.start_job_service()
        servers.start_media_worker("media_worker", SLOTS, threads=1)
        with Client(servers.grpc, servers.token) as client:
            service = Service(client, servers.pid("media_worker"))
            source = service.upload(long)
            small_sources = [service.upload(clip) for clip in small]
            bare = Bare(service.arguments(source, PRESET), place / "bare")
            for number in range(rounds):
                steps: list[Callable[[], object]] = [
                    lambda: _one_job(service, source, samples),
                    lambda: samples.bare.append(bare.encode(long)),
                    lambda: samples.our_small_seconds.append(
                        service.encode_all(small_sources, PRESET)
                    ),
                    lambda: samples.bare_small_seconds.append(bare.encode_all(small, SLOTS)),
                ]
                # Who comes first changes, and what is compared stays side by side.
                for step in steps if number % 2 == 0 else reversed(steps):
                    step()
                print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return samples


def _one_job(service: Service, source: artifact_pb2.Artifact, samples: Samples) -> None:
    before = service.own_cpu_seconds()
    encoding = service.encode(source, PRESET)
    samples.ours.append(encoding)
    samples.own_cpu_seconds.append(service.own_cpu_seconds() - before - encoding.cpu_seconds)


def _clip(path: Path, seconds: int, size: str) -> Path:
    subprocess.run(
        [
            *(get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error"),
            *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}"),
            *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
            *("-c:v", "libx264", "-preset", "veryfast", "-c:a", "flac", path),
        ],
        check=True,
        timeout=600,
    )
    return path


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often everybody is measured")
    parser.add_argument("--seconds", type=int, default=60, help="how long the clip plays")
    parser.add_argument("--quick", action="store_true", help="one round of a short clip")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 5
    return options


if __name__ == "__main__":
    sys.exit(main())
