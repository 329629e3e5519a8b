"""Measures how soon a client sees what happens to its job, beside bare Celery and Redis.

    python bench/watch.py [--quick] [--json]

One job at a time on an idle system, with a real translation; then the job
service's own part alone, with a stub for the worker; then a crowd of watchers
of one job. No target is set here; the ratios are the result. Exit 1 if a
watcher has missed the end of its job.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from bench.latency_rounds import RATIOS, Moments, Plan, run_latencies, to_json
from bench.loads.driver import Driver
from bench.machine import MachineState, observe
from bench.samples import is_noisy
from bench.servers import running_servers
from bench.tables import table, with_range

FULL = Plan(rounds=7, jobs_per_round=20, fan_out_rounds=5, watches=1000)
QUICK = Plan(rounds=1, jobs_per_round=3, fan_out_rounds=1, watches=100)
TITLES = {
    "job.accepted_ms": "Babelmill: CreateJob's answer",
    "job.started_ms": "Babelmill: CreateJob to IN_PROGRESS seen by a watcher",
    "job.started_after_answer_ms": "  of it after CreateJob's answer",
    "job.finished_ms": "Babelmill: CreateJob to the final event seen",
    "job.finished_after_answer_ms": "  of it after CreateJob's answer",
    "job.work_ms": "  of it the worker's own work",
    "job.finished_without_work_ms": "  of it all but the worker's own work",
    "celery.started_ms": "bare Celery: apply_async to STARTED seen",
    "celery.finished_ms": "bare Celery: apply_async to the result",
    "stub.dispatch_ms": "Babelmill: CreateJob to the message taken from Redis",
    "bare.dispatch_ms": "bare Celery: apply_async to the message taken from Redis",
    "stub.lease_ms": "Babelmill: a worker's lease to IN_PROGRESS seen by the watcher",
    "stub.progress_ms": "Babelmill: a worker's progress report to the watcher",
    "stub.outcome_ms": "Babelmill: a worker's outcome to the watcher's final event",
    "bare.publish_ms": "bare Redis: publish to the subscriber",
    "watch.open_seconds": "Babelmill: all watches opened, seconds",
    "watch.first_ms": "Babelmill: CancelJob to the first watcher's final event",
    "watch.median_ms": "  to the median watcher's",
    "watch.last_ms": "  to the last watcher's",
    "watch.kib_per_watcher": "Babelmill: memory of an idle watcher, KiB",
    "sse.open_seconds": "FastAPI SSE: all streams opened, seconds",
    "sse.first_ms": "FastAPI SSE: Redis publish to the first stream's event",
    "sse.median_ms": "  to the median stream's",
    "sse.last_ms": "  to the last stream's",
    "sse.kib_per_watcher": "FastAPI SSE: memory of an idle stream, KiB",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    plan = QUICK if options.quick else FULL

    def tell(progress: str) -> None:
        print(progress, file=sys.stderr, flush=True)

    with running_servers() as servers, Driver() as driver:
        tell("starting PostgreSQL, Valkey and the job service")
        servers.start_databases()
        servers.start_job_service()
        before = observe()
        moments = run_latencies(plan, servers, driver, tell)
        after = observe()
    if options.json:
        machine = {"before": before.to_json(), "after": after.to_json()}
        print(json.dumps({"machine": machine, **to_json(plan, moments)}, indent=1))
    else:
        print(_text(plan, moments, before, after))
    return 1 if _lost(moments) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how soon clients see what happens.")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its numbers mean little")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def _lost(moments: Moments) -> float:
    return moments.spread("watch.lost").high + moments.spread("sse.lost").high


def _text(plan: Plan, moments: Moments, before: MachineState, after: MachineState) -> str:
    ratios = [[each.title, with_range(moments.ratio(each.ours, each.theirs))] for each in RATIOS]
    figures = [
        [title, with_range(moments.spread(name))]
        for name, title in TITLES.items()
        if name in moments.names()
    ]
    sections = [
        f"{before.cores} cores, Python {before.python}; {plan.rounds} rounds of "
        f"{plan.jobs_per_round} jobs, {plan.fan_out_rounds} of {plan.watches} watchers; "
        "median of the rounds' medians (min-max). Others kept the cores busy for "
        f"{before.busy_percent:.0f} % before and {after.busy_percent:.0f} % after; "
        f"load {before.load_1_minute:.1f} and {after.load_1_minute:.1f}.",
        "Ratios, round by round\n" + table(["", "ratio"], ratios),
        "Milliseconds unless it says otherwise\n" + table(["", ""], figures),
        f"Watchers that missed the end of their job: {_lost(moments):.0f}",
    ]
    controls = [moments.ratio(each.ours, each.theirs) for each in RATIOS if each.is_control]
    if any(is_noisy(control) for control in controls):
        sections.append("NOISY: the A/A control is off by more than 20 %; run it again.")
    return "\n\n".join(sections)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
