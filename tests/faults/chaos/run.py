"""One chaos run from its start to its judgement.

Customers are busy for some time while the schedule hits what it hits; then
everything is brought back, all jobs come to their end by themselves, and the
record is judged. Without blows it is a run under load that nothing disturbs.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.deadlines import eventually
from tests.faults.chaos.judge import Judgement, judge
from tests.faults.chaos.memory import Memory
from tests.faults.chaos.scene import TARGETS, Scene
from tests.faults.chaos.schedule import make_schedule
from tests.faults.chaos.traffic import Config
from tests.faults.house import FaultHouse
from tests.faults.service import Fuse, Service
from tests.faults.workloads import ClipMaker

_MOST_LINES = 20
_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class ChaosPlan:
    """What a run is. The seed decides on the blows and the wishes; times are in seconds."""

    seed: int
    seconds: float
    blows: bool = True
    gap_seconds: float = 1.5
    """Between two blows, on average."""
    customers: int = 6
    open_jobs: int = 35
    least_jobs: int = 35
    """Of each customer."""
    patience_seconds: float = 60
    """How long, in the end, nothing may happen although jobs are open."""
    flush_at_end: bool = True
    """Have all that waits sent again at once, where nobody wants to wait until it is due."""
    sample_seconds: float = 2


@dataclass
class ChaosReport:
    """What came of it."""

    plan: ChaosPlan
    judgement: Judgement
    memory: Memory
    blows: Counter[str]
    settled_seconds: float
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Say it for people."""
        plan = self.plan
        return [
            f"seed {plan.seed}, {plan.seconds:.0f} s, {sum(self.blows.values())} blows: "
            + (
                ", ".join(f"{count} {name}" for name, count in sorted(self.blows.items())) or "none"
            ),
            *self.judgement.lines(),
            f"all jobs had ended {self.settled_seconds:.1f} s after the last blow was mended",
            *self.broken[:_MOST_LINES],
            *([f"and {len(self.broken) - _MOST_LINES} more"] if self.broken[_MOST_LINES:] else []),
        ]


def run_chaos(house: FaultHouse, plan: ChaosPlan) -> ChaosReport:
    """Run it in a house of its own, whose servers are up.

    What is broken is in the report; `keep_evidence` saves the files.
    """
    scene = Scene(house)
    memory = Memory()
    record = record_of(house)
    traffic = _start_traffic(house, scene, plan, record)
    _hit(scene, plan, memory, traffic)
    scene.heal()
    traffic.signal(signal.SIGTERM)
    if plan.flush_at_end:
        scene.flush_redis()
    mended_at = time.monotonic()
    broken = []
    stuck = _settle(house, plan.patience_seconds)
    if stuck:
        broken.append(f"I1: {stuck}")
    settled_seconds = time.monotonic() - mended_at
    if traffic.wait(10 * plan.patience_seconds) != 0:
        broken.append(f"customers: {traffic.last_words()}")
    judgement = judge(record, house.sql, house.artifacts)
    broken += judgement.verdict.broken
    scene.look()
    broken += scene.fallen
    broken += [
        f"{worker.name} runs ffmpeg though no job is open"
        for worker in scene.workers
        if worker.programs("ffmpeg")
    ]
    (house.directory / "blows.txt").write_text("\n".join(map(str, scene.done)) + "\n")
    return ChaosReport(
        plan=plan,
        judgement=judgement,
        memory=memory,
        blows=scene.blows,
        settled_seconds=settled_seconds,
        broken=broken,
    )


def record_of(house: FaultHouse) -> Path:
    """Where a run in this house writes its history."""
    return house.directory / "history.jsonl"


def keep_evidence(house: FaultHouse, to: Path) -> Path:
    """Copy the history, the blows and the logs out of a house that will go away."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("history.jsonl", "blows.txt"):
        if (house.directory / name).exists():
            shutil.copy(house.directory / name, to)
    shutil.copytree(house.directory / "logs", to / "logs", dirs_exist_ok=True)
    return to


def _start_traffic(house: FaultHouse, scene: Scene, plan: ChaosPlan, record: Path) -> Service:
    config = house.directory / "traffic.json"
    config.touch(mode=0o600)
    config.write_text(
        json.dumps(
            asdict(
                Config(
                    seed=plan.seed,
                    services=[house.address(service) for service in scene.job_services],
                    gateway=house.gateway_url(scene.gateway),
                    token=house.template.client_token,
                    record=str(record),
                    clip=str(ClipMaker(house.directory)(seconds=1, size="160x90")),
                    customers=plan.customers,
                    open_jobs=plan.open_jobs,
                    least_jobs=plan.least_jobs,
                    patience_seconds=plan.patience_seconds,
                )
            )
        )
    )
    traffic = Service(
        "traffic",
        [sys.executable, "-m", "tests.faults.chaos.traffic", config],
        environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)},
        log=house.directory / "logs" / "traffic",
        fuse=Fuse(house.directory / "fuses" / "traffic"),
    )
    house.services.append(traffic)
    traffic.start()

    def busy() -> bool:
        traffic.insist_alive()
        return record.exists() and record.stat().st_size > 0

    eventually(busy, timeout_seconds=60)
    return traffic


def _settle(house: FaultHouse, patience_seconds: float) -> str:
    """Wait until no job is open; return what is stuck if nothing moves for so long."""
    seen: object = None
    moved_at = time.monotonic()
    while time.monotonic() - moved_at < patience_seconds:
        now = house.sql(
            "SELECT count(*) FILTER (WHERE finished_at IS NULL), sum(sequence) FROM jobs"
        )
        if not now[0][0]:
            return ""
        if now != seen:
            seen, moved_at = now, time.monotonic()
        time.sleep(0.2)
    steps = house.sql(
        "SELECT job_id, name, state, generation, attempt, crashes, lease_expires_at, not_before,"
        " publish_at, error->>'reason' FROM steps JOIN jobs USING (job_id)"
        " WHERE jobs.finished_at IS NULL AND steps.finished_at IS NULL LIMIT 10"
    )
    return f"jobs are stuck, such as {steps}"


def _hit(scene: Scene, plan: ChaosPlan, memory: Memory, traffic: Service) -> None:
    """Follow the schedule to the end of its time."""
    lease_seconds = float(scene.job_services[0].environment.get("BABELMILL_LEASE_TTL_SECONDS", 30))
    schedule = (
        make_schedule(
            plan.seed,
            TARGETS,
            seconds=plan.seconds,
            gap_seconds=plan.gap_seconds,
            lease_seconds=lease_seconds,
        )
        if plan.blows
        else []
    )
    began_at = time.monotonic()
    sampled_at = float("-inf")
    while (at_seconds := time.monotonic() - began_at) < plan.seconds or schedule:
        assert traffic.alive, f"the customers are gone:\n{traffic.last_words()}"
        if at_seconds - sampled_at >= plan.sample_seconds:
            sampled_at = at_seconds
            scene.look()
            scene.measure(memory, at_seconds)
        while schedule and schedule[0].at_seconds <= at_seconds:
            scene.perform(schedule.pop(0))
        time.sleep(0.02)
