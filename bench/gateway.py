"""Measures the HTTP door: submissions, and streams of events to a crowd, beside plain FastAPI.

    python bench/gateway.py [--quick] [--json]

Submissions go against a FastAPI + Celery endpoint that commits a row before it
publishes, as Babelmill does. The crowd watches one job by Server-Sent Events;
the peer's streams are fed by one Redis subscription and keep nothing. No target
is set here; the ratios are the result. Exit 1 if a request failed, an accepted
job is not in its store, or a watcher has missed the end of its job.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.contestants import Comparison, Contestant, start_contestants
from bench.latency_rounds import PEER_EVENTS, Moments
from bench.loads.driver import Driver
from bench.machine import MachineState, observe, settled_rss_bytes
from bench.samples import is_noisy, order_of_round
from bench.servers import Servers, running_servers
from bench.submission_rounds import Plan as SubmissionPlan
from bench.submission_rounds import Samples, run_rounds
from bench.tables import table, with_range

KIB = 1024
CONTROL = Comparison("gateway_again", "gateway")
DURABLE = Comparison("gateway", "peer_durable")
SUBMISSION_QUANTITIES = {
    "jobs_per_second": "accepted jobs a second",
    "p50_ms": "an answer's p50",
    "cpu_us_per_job": "processor time a job",
}
FAN_OUT = {
    "open_seconds": "all streams opened",
    "last_ms": "the last stream's end",
    "kib_per_watcher": "memory of an idle stream",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    submissions: SubmissionPlan
    fan_out_rounds: int
    streams: int


FULL = Plan(
    submissions=SubmissionPlan(
        clients=(1, 16, 64), rounds=5, warm_up_seconds=0.3, measure_seconds=1.5
    ),
    fan_out_rounds=5,
    streams=1000,
)
QUICK = Plan(
    submissions=SubmissionPlan(clients=(1, 8), rounds=1, warm_up_seconds=0.1, measure_seconds=0.3),
    fan_out_rounds=1,
    streams=100,
)


@dataclass(frozen=True, slots=True)
class Result:
    """All that one run has measured."""

    samples: Samples
    crowds: Moments
    before: MachineState
    after: MachineState

    @property
    def lost(self) -> float:
        """The most streams of a round that missed the end."""
        return max(self.crowds.spread(f"{name}.lost").high for name in ("gateway", "sse"))

    @property
    def failed(self) -> bool:
        """Whether anything went wrong that must not."""
        errors = any(each.total() for each in self.samples.errors.values())
        return bool(errors or self.samples.missing.total() or self.lost)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    plan = QUICK if options.quick else FULL

    def tell(progress: str) -> None:
        print(progress, file=sys.stderr, flush=True)

    with running_servers() as servers, Driver() as driver:
        tell("starting PostgreSQL, Valkey, the job service, the gateway and the peer")
        contestants = _contestants(start_contestants(servers))
        before = observe()

        def announce() -> None:
            driver.ask(
                do="announce",
                worker_address=servers.worker_grpc,
                worker_token=servers.worker_token,
                broker_url=servers.valkey.url(),
            )

        samples = run_rounds(plan.submissions, contestants, driver, announce, tell)
        announce()
        crowds = _run_fan_out(plan, servers, driver, tell)
        result = Result(samples, crowds, before, observe())
    if options.json:
        print(json.dumps(_to_json(plan, result), indent=1))
    else:
        print(_text(plan, contestants, result))
    return 1 if result.failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the HTTP door.")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its numbers mean little")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(arguments)


def _contestants(everybody: Sequence[Contestant]) -> Sequence[Contestant]:
    by_name = {each.name: each for each in everybody}
    gateway = by_name["gateway"]
    again = replace(gateway, name="gateway_again", title="  the same again (A/A control)")
    return (gateway, again, by_name["peer_durable"])


def _run_fan_out(
    plan: Plan, servers: Servers, driver: Driver, tell: Callable[[str], None]
) -> Moments:
    """Open many streams of one job, at a fresh process each round: memory is never given back."""
    moments = Moments()
    for number in range(plan.fan_out_rounds):
        tell(f"{plan.streams} streams: round {number + 1} of {plan.fan_out_rounds}")
        for name in order_of_round(["gateway", "sse"], number):
            target: dict[str, str]
            if name == "gateway":
                servers.stop("gateway")
                servers.start_gateway()
                target = {"kind": name, "address": servers.http, "token": servers.token}
                process = name
            else:
                process = "events"
                address = servers.start_peer_app(process, PEER_EVENTS)
                target = {"kind": name, "address": address, "redis_url": servers.peer_redis_url}
            # The first streams pay for what a process sets up once.
            _crowd(driver, servers.pid(process), target, max(1, plan.streams // 20))
            moments.add_round(name, [_crowd(driver, servers.pid(process), target, plan.streams)])
            if process == "events":
                servers.stop(process)
    return moments


def _crowd(driver: Driver, pid: int, target: Mapping[str, str], streams: int) -> dict[str, float]:
    before = settled_rss_bytes(pid)
    opened = driver.ask(do="open_watches", target=target, watches=streams)
    grown = settled_rss_bytes(pid) - before
    ended = driver.ask(do="end_watched")
    return {**opened, **ended, "kib_per_watcher": max(grown, 1) / streams / KIB}


def _text(plan: Plan, contestants: Sequence[Contestant], result: Result) -> str:
    columns = [f"c={clients}" for clients in plan.submissions.clients]

    def ratios(comparison: Comparison) -> list[list[str]]:
        return [
            [title, *(with_range(result.samples.ratio(comparison, c, what)) for c in clients)]
            for what, title in SUBMISSION_QUANTITIES.items()
        ]

    clients = plan.submissions.clients
    fan_out = [
        [title, with_range(result.crowds.ratio(f"gateway.{what}", f"sse.{what}"))]
        for what, title in FAN_OUT.items()
    ]
    figures = [
        [f"{name}, {title}", with_range(result.crowds.spread(f"{key}.{what}"))]
        for key, name in (("gateway", "Babelmill"), ("sse", "FastAPI SSE"))
        for what, title in {
            "open_seconds": "opened, s",
            "last_ms": "last stream's end, ms",
            "kib_per_watcher": "memory of an idle stream, KiB",
        }.items()
    ]
    submitted = [
        [each.title, *(with_range(result.samples.spread(each.name, c, what)) for c in clients)]
        for what in ("jobs_per_second",)
        for each in contestants
    ]
    before, after = result.before, result.after
    sections = [
        f"{before.cores} cores, Python {before.python}; {plan.submissions.rounds} rounds, then "
        f"{plan.fan_out_rounds} of {plan.streams} streams; median (min-max). Others kept the "
        f"cores busy for {before.busy_percent:.0f} % before and {after.busy_percent:.0f} % after.",
        "POST /v1/jobs / FastAPI + Celery, row first: ratios, round by round\n"
        + table(["", *columns], ratios(DURABLE)),
        "A/A control\n" + table(["", *columns], ratios(CONTROL)),
        "Accepted jobs a second\n" + table(["", *columns], submitted),
        "Event streams / FastAPI SSE: ratios, round by round\n" + table(["", "ratio"], fan_out),
        "Event streams, as they are\n" + table(["", "median (min-max)"], figures),
        f"Streams that missed the end of their job: {result.lost:.0f}",
    ]
    controls = [result.samples.ratio(CONTROL, c, "jobs_per_second") for c in clients]
    if any(is_noisy(control) for control in controls):
        sections.append("NOISY: the A/A control is off by more than 20 %; run it again.")
    return "\n\n".join(sections)


def _to_json(plan: Plan, result: Result) -> dict[str, Any]:
    """Give everything as JSON-ready values. Any: JSON."""
    return {
        "machine": {"before": result.before.to_json(), "after": result.after.to_json()},
        "plan": asdict(plan),
        "accepted": dict(result.samples.accepted),
        "missing": dict(result.samples.missing),
        "errors": {name: dict(each) for name, each in result.samples.errors.items()},
        "submission_ratios": [
            {
                **asdict(comparison),
                "is_control": comparison == CONTROL,
                "by_clients": {
                    str(c): {
                        what: result.samples.ratio(comparison, c, what).to_json()
                        for what in SUBMISSION_QUANTITIES
                    }
                    for c in plan.submissions.clients
                },
            }
            for comparison in (CONTROL, DURABLE)
        ],
        "fan_out_ratios": {
            what: result.crowds.ratio(f"gateway.{what}", f"sse.{what}").to_json()
            for what in FAN_OUT
        },
        "fan_out": {name: result.crowds.spread(name).to_json() for name in result.crowds.names()},
        "lost": result.lost,
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
