"""Measures how fast jobs are accepted, beside a plain FastAPI + Celery endpoint.

    python bench/submit.py [--quick] [--json]

Everybody is measured in every round, in an order that changes, against the
same PostgreSQL and Valkey. No worker consumes on either side: what is measured
is accepting and publishing. No target is set here; the ratios are the result.
Exit 1 if a request failed or an accepted job is not in its store.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from bench.contestants import COMPARISONS, CONTROL, Contestant, start_contestants
from bench.loads.driver import Driver
from bench.machine import MachineState, observe
from bench.samples import is_noisy
from bench.servers import running_servers
from bench.submission_rounds import Plan, Samples, run_rounds, to_json
from bench.tables import figure, table, with_range

FULL = Plan(clients=(1, 16, 64), rounds=5, warm_up_seconds=0.3, measure_seconds=1.5)
QUICK = Plan(clients=(1, 16), rounds=1, warm_up_seconds=0.1, measure_seconds=0.3)
# A generator busier than this may be what limits the rate.
BUSY_GENERATOR_PERCENT = 85


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    plan = QUICK if options.quick else FULL

    def tell(progress: str) -> None:
        print(progress, file=sys.stderr, flush=True)

    with running_servers() as servers, Driver() as driver:
        tell("starting PostgreSQL, Valkey, the job service, the gateway and the peer")
        contestants = start_contestants(servers)
        before = observe()

        def announce() -> None:
            driver.ask(
                do="announce",
                worker_address=servers.worker_grpc,
                worker_token=servers.worker_token,
                broker_url=servers.valkey.url(),
            )

        samples = run_rounds(plan, contestants, driver, announce, tell)
        after = observe()
    if options.json:
        machine = {"before": before.to_json(), "after": after.to_json()}
        print(json.dumps({"machine": machine, **to_json(plan, contestants, samples)}, indent=1))
    else:
        print(_text(plan, contestants, samples, before, after))
    return 1 if samples.missing.total() or any(e.total() for e in samples.errors.values()) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how fast jobs are accepted.")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its numbers mean little")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def _text(
    plan: Plan,
    contestants: Sequence[Contestant],
    samples: Samples,
    before: MachineState,
    after: MachineState,
) -> str:
    columns = [f"c={clients}" for clients in plan.clients]
    titles = {each.name: each.title.strip() for each in contestants}

    def by_clients(what: str) -> str:
        rows = [
            [
                each.title,
                *(with_range(samples.spread(each.name, c, what)) for c in plan.clients),
            ]
            for each in contestants
        ]
        return table(["", *columns], rows)

    def ratios(what: str) -> str:
        rows = [
            [
                "A/A control"
                if each == CONTROL
                else f"{titles[each.ours]} / {titles[each.theirs]}",
                *(with_range(samples.ratio(each, c, what)) for c in plan.clients),
            ]
            for each in (CONTROL, *COMPARISONS)
        ]
        return table(["", *columns], rows)

    sections = [
        f"{before.cores} cores, Python {before.python}; {plan.rounds} rounds of "
        f"{plan.measure_seconds} s; median (min-max). Others kept the cores busy for "
        f"{before.busy_percent:.0f} % before and {after.busy_percent:.0f} % after; "
        f"load {before.load_1_minute:.1f} and {after.load_1_minute:.1f}.",
        "Accepted jobs a second: ratios, round by round\n" + ratios("jobs_per_second"),
        "Accepted jobs a second\n" + by_clients("jobs_per_second"),
        "Answer's p50, ms\n" + by_clients("p50_ms"),
        "CPU of its own processes a job, microseconds, until all is published\n"
        + by_clients("cpu_us_per_job"),
        "What an answer promises\n"
        + "\n".join(f"  {each.title.strip()}: {each.promise}" for each in contestants),
        "Accepted and found in its store afterwards\n"
        + table(
            ["", "accepted", "missing", "failed requests"],
            [
                [
                    each.title,
                    f"{samples.accepted[each.name]:,}",
                    str(samples.missing[each.name]),
                    _errors(samples, each.name),
                ]
                for each in contestants
            ],
        ),
    ]
    warnings = [
        *(
            f"NOISY: the A/A control at c={c} is off by more than 20 %; run it again."
            for c in plan.clients
            if is_noisy(samples.ratio(CONTROL, c, "jobs_per_second"))
        ),
        *(
            f"The load generator used {figure(busy)} % of a core for {each.title.strip()} at "
            f"c={c}: it shares the limit."
            for each in contestants
            for c in plan.clients
            if (busy := samples.spread(each.name, c, "generator_cpu_percent").median)
            > BUSY_GENERATOR_PERCENT
        ),
    ]
    return "\n\n".join([*sections, *(["\n".join(warnings)] if warnings else [])])


def _errors(samples: Samples, name: str) -> str:
    errors = samples.errors[name]
    return ", ".join(f"{count} {reason}" for reason, count in sorted(errors.items())) or "0"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
