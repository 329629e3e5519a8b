"""Measures what encoding a video in segments gains, through the whole service.

    python bench/segments.py [--rounds N] [--quick] [--json]

Two media workers of one slot each. Every round encodes each video once in one
piece, twice over as a control, and once in segments, in an order that changes.
With one thread an encoder, two workers are in effect two machines of one core
each; with all cores for every encoder, they are one host whose cores are taken
anyway. Exit 1 if a job failed, or a video in segments has other frames.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import imageio_ffmpeg

from babelmill.client import Client, requests
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.media.v1 import segments_pb2
from bench.machine import MachineState, observe
from bench.samples import Spread, is_noisy, order_of_round, paired_ratios
from bench.servers import Servers, running_servers
from bench.tables import figure, table, with_range

WORKERS = ("media_worker_1", "media_worker_2")
CONTESTANTS = ("one piece", "one piece again", "segments")
WHOLE, CONTROL, SEGMENTS = CONTESTANTS
# What is gained must be more than what the machine's moods give.
_GAIN = 1.05
_JOB_TIMEOUT_SECONDS = 3600


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    lengths_seconds: tuple[int, ...]
    size: str
    rounds: int
    preset: str = "mp4-h264"
    segments: int = 4


FULL = Plan(lengths_seconds=(10, 30, 90), size="1280x720", rounds=3)
QUICK = Plan(lengths_seconds=(4, 8), size="320x180", rounds=1)


@dataclass
class Samples:
    """What came out, by threads, length and contestant, a value a round."""

    seconds: dict[tuple[int, int, str], list[float]] = field(default_factory=dict)
    cpu_seconds: dict[tuple[int, int, str], list[float]] = field(default_factory=dict)
    size_bytes: dict[tuple[int, int, str], list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, threads: int, length: int, who: str, job: job_pb2.Job) -> None:
        """Keep one job's figures."""
        key = (threads, length, who)
        if job.state != job_pb2.JOB_STATE_COMPLETED:
            self.failures.append(f"{who}, {length} s: {job.error.reason}")
            return
        took = job.finish_time.ToNanoseconds() - job.create_time.ToNanoseconds()
        self.seconds.setdefault(key, []).append(took / 1e9)
        self.cpu_seconds.setdefault(key, []).append(job.usage.cpu_seconds)
        size = job.targets[0].outputs[0].digest.size_bytes
        self.size_bytes.setdefault(key, []).append(float(size))

    def gain(self, threads: int, length: int, who: str = SEGMENTS) -> Spread:
        """How many times as fast it is as one piece."""
        times = self.seconds
        return paired_ratios(times[threads, length, WHOLE], times[threads, length, who])

    def cost(self, threads: int, length: int) -> Spread:
        """How much more processor time segments take."""
        times = self.cpu_seconds
        return paired_ratios(times[threads, length, SEGMENTS], times[threads, length, WHOLE])

    def growth(self, threads: int, length: int) -> Spread:
        """How much larger the file is."""
        sizes = self.size_bytes
        return paired_ratios(sizes[threads, length, SEGMENTS], sizes[threads, length, WHOLE])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    plan = QUICK if options.quick else replace(FULL, rounds=options.rounds)
    threads = tuple(sorted({1, os.cpu_count() or 1}))
    samples = Samples()
    with running_servers() as servers, tempfile.TemporaryDirectory() as clips:
        servers.start_databases()
        servers.start_job_service()
        before = observe()
        with Client(servers.grpc, servers.token) as client:
            videos = {
                length: client.upload(_make_clip(Path(clips), plan, length))
                for length in plan.lengths_seconds
            }
            for each in threads:
                _measure(servers, client, plan, each, videos, samples)
        after = observe()
    if not samples.failures:
        if options.json:
            print(json.dumps(_as_json(plan, threads, samples, before, after), indent=1))
        else:
            print(_as_text(plan, threads, samples, before, after))
    for failure in samples.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if samples.failures else 0


def break_even(plan: Plan, threads: int, samples: Samples) -> int | None:
    """Give the shortest length from which on segments are faster; None if they never are."""
    found = None
    for length in reversed(plan.lengths_seconds):
        if samples.gain(threads, length).median < _GAIN:
            break
        found = length
    return found


def _measure(
    servers: Servers,
    client: Client,
    plan: Plan,
    threads: int,
    videos: dict[int, artifact_pb2.Artifact],
    samples: Samples,
) -> None:
    """Measure with encoders of so many threads."""
    for name in WORKERS:
        servers.start_media_worker(name, 1, threads)
    try:
        for number in range(plan.rounds):
            for length in order_of_round(plan.lengths_seconds, number):
                for who in order_of_round(CONTESTANTS, number):
                    print(f"{threads} threads, {length} s: {who}", file=sys.stderr, flush=True)
                    made = client.create_job(_spec(plan, videos[length], length, who))
                    job = client.wait(made.job_id, timeout_seconds=_JOB_TIMEOUT_SECONDS)
                    samples.add(threads, length, who, job)
                    if who == SEGMENTS and len(job.steps) != plan.segments + 2:
                        samples.failures.append(f"{length} s: {len(job.steps)} steps")
    finally:
        for name in WORKERS:
            servers.stop(name)


def _spec(plan: Plan, video: artifact_pb2.Artifact, length: int, who: str) -> job_pb2.JobSpec:
    segments = segments_pb2.Segments(mode=segments_pb2.SEGMENTS_MODE_OFF)
    if who == SEGMENTS:
        segments = segments_pb2.Segments(
            mode=segments_pb2.SEGMENTS_MODE_ON, length_seconds=length / plan.segments
        )
    return requests.transcode_spec(video, plan.preset, segments=segments)


def _make_clip(folder: Path, plan: Plan, seconds: int) -> Path:
    """Draw a picture that moves, with a key picture each second, and a tone."""
    path = folder / f"{seconds}.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-nostdin", "-y", "-v", "error"),
            *("-f", "lavfi", "-i", f"testsrc2=size={plan.size}:rate=25:duration={seconds}"),
            *("-f", "lavfi", "-i", f"sine=b=4:duration={seconds}"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"),
            *("-c:a", "aac", path),
        ],
        check=True,
        timeout=600,
    )
    return path


def _as_json(
    plan: Plan, threads: Sequence[int], samples: Samples, before: MachineState, after: MachineState
) -> dict[str, object]:
    return {
        "machine": {"before": before.to_json(), "after": after.to_json()},
        "plan": {"size": plan.size, "rounds": plan.rounds, "preset": plan.preset},
        "results": [
            {
                "threads": each,
                "break_even_seconds": break_even(plan, each, samples),
                "lengths": {
                    str(length): {
                        "gain": samples.gain(each, length).to_json(),
                        "control": samples.gain(each, length, CONTROL).to_json(),
                        "cpu": samples.cost(each, length).to_json(),
                        "size": samples.growth(each, length).to_json(),
                    }
                    for length in plan.lengths_seconds
                },
            }
            for each in threads
        ],
    }


def _as_text(
    plan: Plan, threads: Sequence[int], samples: Samples, before: MachineState, after: MachineState
) -> str:
    sections = [
        f"{before.cores} cores; {plan.size} by {plan.preset}, two workers, {plan.segments} "
        f"segments, {plan.rounds} rounds; median (min-max). Others kept the cores busy for "
        f"{before.busy_percent:.0f} % before and {after.busy_percent:.0f} % after.",
    ]
    for each in threads:
        rows = [
            [
                f"{length} s",
                with_range(samples.gain(each, length)),
                with_range(samples.gain(each, length, CONTROL)),
                with_range(samples.cost(each, length)),
                with_range(samples.growth(each, length)),
                figure(samples.seconds[each, length, WHOLE][0]),
            ]
            for length in plan.lengths_seconds
        ]
        columns = ["", "times as fast", "A/A control", "CPU", "size", "s in one piece"]
        even = break_even(plan, each, samples)
        pays = f"It pays from {even} s on." if even else "It does not pay."
        sections.append(f"Encoders of {each} threads. {pays}\n" + table(columns, rows))
        sections += [
            f"NOISY: the A/A control of {length} s is off by more than 20 %; run it again."
            for length in plan.lengths_seconds
            if is_noisy(samples.gain(each, length, CONTROL))
        ]
    return "\n\n".join(sections)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what videos in segments gain.")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, help="how often everybody runs")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its numbers mean little")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
