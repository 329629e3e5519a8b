"""Chaos for as long as one likes; `make soak MINUTES=30 SEED=1 CHAOS=both`.

`both` gives one half of the time to a run with blows and the other to a run
that nothing disturbs, in which the memory of every process must stay flat.
All services keep to the product's defaults. Ends with 1 if a promise is
broken; then the history, the blows and the logs are kept.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos.run import ChaosPlan, ChaosReport, keep_evidence, run_chaos
from tests.faults.house import FaultHouse
from tests.faults.servers import Template, make_template

# Below this a quarter of the run is too short to tell growth from a start.
_SHORTEST_FOR_MEMORY_SECONDS = 240


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for, and say what came of it."""
    given = _arguments(argv)
    runs = {"on": [True], "off": [False], "both": [True, False]}[given.chaos]
    seconds = 60 * given.minutes / len(runs)
    broken = False
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as directory:
        (Path(directory) / "template").mkdir()
        template = make_template(Path(directory) / "template")
        for number, blows in enumerate(runs):
            home = Path(directory) / str(number)
            home.mkdir()
            plan = ChaosPlan(
                seed=given.seed,
                seconds=seconds,
                blows=blows,
                gap_seconds=given.gap,
                open_jobs=given.open_jobs,
                least_jobs=1,
                # The longest wait until something is sent again, and a minute.
                patience_seconds=660,
                flush_at_end=False,
                sample_seconds=5,
            )
            broken |= not _run(home, template, plan, given.keep)
    return 1 if broken else 0


def _run(home: Path, template: Template, plan: ChaosPlan, keep: Path) -> bool:
    house = FaultHouse(home, template, pace={})
    try:
        house.start_servers()
        report = run_chaos(house, plan)
        if not plan.blows and plan.seconds >= _SHORTEST_FOR_MEMORY_SECONDS:
            report.broken += [f"{role} grows" for role in report.memory.too_much(plan.seconds)]
        _say(report)
        if report.broken:
            kept = keep_evidence(house, keep / f"{'chaos' if plan.blows else 'calm'}-{plan.seed}")
            sys.stdout.write(f"BROKEN with seed {plan.seed}; the evidence is kept in {kept}\n")
    except BaseException:
        kept = keep_evidence(house, keep / f"unfinished-{plan.seed}")
        sys.stdout.write(f"seed {plan.seed} did not finish; its evidence is kept in {kept}\n")
        raise
    finally:
        house.close()
    return not report.broken


def _say(report: ChaosReport) -> None:
    kind = "with blows" if report.plan.blows else "undisturbed"
    memory = report.memory.lines(report.plan.seconds)
    sys.stdout.write("\n".join([f"--- {kind}", *memory, *report.lines(), ""]) + "\n")
    sys.stdout.flush()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of all runs together")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same blows")
    parser.add_argument("--chaos", choices=("on", "off", "both"), default="both")
    parser.add_argument("--gap", type=float, default=6, help="mean seconds between two blows")
    parser.add_argument("--open-jobs", type=int, default=20, help="of each of six customers")
    parser.add_argument(
        "--keep",
        type=Path,
        default=Path(tempfile.gettempdir()) / "babelmill-soak",
        help="where the evidence of a broken run is kept",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
