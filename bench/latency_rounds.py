"""Runs the rounds of watch.py and sums them up."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.loads.driver import Driver
from bench.machine import settled_rss_bytes
from bench.samples import Spread, order_of_round, paired_ratios, percentile, spread
from bench.servers import Servers

PEER_WORKER = "bench.peers.round_trip:app"
PEER_EVENTS = "bench.peers.events_app:create_app"
WORKER_CONCURRENCY = 2
KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    rounds: int
    jobs_per_round: int
    fan_out_rounds: int
    watches: int


class Moments:
    """Medians of each round by name, such as "job.started_ms"; in the order of the rounds."""

    def __init__(self) -> None:
        self._of: defaultdict[str, list[float]] = defaultdict(list)

    def add_round(self, prefix: str, samples: Sequence[Mapping[str, float]]) -> None:
        """Add the median of each quantity of one round."""
        for name in samples[0]:
            values = [sample[name] for sample in samples]
            self._of[f"{prefix}.{name}"].append(percentile(values, 0.5))

    def names(self) -> list[str]:
        """Return what was measured, in the order it was."""
        return list(self._of)

    def spread(self, name: str) -> Spread:
        """Sum up one quantity."""
        return spread(self._of[name])

    def ratio(self, ours: str, theirs: str) -> Spread:
        """Sum up the ratio of two quantities."""
        return paired_ratios(self._of[ours], self._of[theirs])


@dataclass(frozen=True, slots=True)
class Ratio:
    """One ratio to print."""

    title: str
    ours: str
    theirs: str
    is_control: bool = False


RATIOS = (
    Ratio(
        "A/A control: bare Celery, result / the same again",
        "celery_again.finished_ms",
        "celery.finished_ms",
        is_control=True,
    ),
    Ratio("start seen: Babelmill / bare Celery", "job.started_ms", "celery.started_ms"),
    Ratio(
        "end seen, without the work: Babelmill / bare Celery",
        "job.finished_without_work_ms",
        "celery.finished_ms",
    ),
    Ratio("end seen, all of it: Babelmill / bare Celery", "job.finished_ms", "celery.finished_ms"),
    Ratio("dispatch: Babelmill / bare Celery", "stub.dispatch_ms", "bare.dispatch_ms"),
    Ratio(
        "worker's progress to watcher / bare Redis publish", "stub.progress_ms", "bare.publish_ms"
    ),
    Ratio("worker's outcome to watcher / bare Redis publish", "stub.outcome_ms", "bare.publish_ms"),
    Ratio("last of all watchers: Babelmill / FastAPI SSE", "watch.last_ms", "sse.last_ms"),
    Ratio(
        "memory of an idle watcher: Babelmill / FastAPI SSE",
        "watch.kib_per_watcher",
        "sse.kib_per_watcher",
    ),
)


def run_latencies(
    plan: Plan, servers: Servers, driver: Driver, tell: Callable[[str], None]
) -> Moments:
    """Measure one job after another on an idle system, then a crowd of watchers."""
    moments = Moments()
    ours = {"address": servers.grpc, "token": servers.token}
    worker = {
        "worker_address": servers.worker_grpc,
        "worker_token": servers.worker_token,
        "broker_url": servers.valkey.url(),
    }
    theirs = {"redis_url": servers.peer_redis_url}

    tell("starting a translation worker and a stock Celery worker")
    servers.start_translation_worker(WORKER_CONCURRENCY)
    servers.start_peer_worker("peer_worker", PEER_WORKER, WORKER_CONCURRENCY)
    contestants: dict[str, dict[str, Any]] = {
        "job": {"do": "real_jobs", **ours},
        "celery": {"do": "round_trips", **theirs},
        "celery_again": {"do": "round_trips", **theirs},
    }
    _warm_up_and_run(plan, contestants, driver, moments, tell, "jobs")

    tell("stopping the workers; a stub takes their part")
    servers.stop("translation_worker")
    servers.stop("peer_worker")
    contestants = {
        "stub": {"do": "stub_jobs", **ours, **worker},
        "bare": {"do": "bare_hops", **theirs},
    }
    _warm_up_and_run(plan, contestants, driver, moments, tell, "hops")
    _run_fan_out(plan, servers, driver, moments, tell)
    return moments


def _warm_up_and_run(
    plan: Plan,
    contestants: Mapping[str, Mapping[str, Any]],
    driver: Driver,
    moments: Moments,
    tell: Callable[[str], None],
    what: str,
) -> None:
    for command in contestants.values():
        # Each child of a worker pays for its engine's first use.
        driver.ask(**command, count=2 * WORKER_CONCURRENCY)
    for number in range(plan.rounds):
        tell(f"{what}: round {number + 1} of {plan.rounds}")
        for name in order_of_round(list(contestants), number):
            samples = driver.ask(**contestants[name], count=plan.jobs_per_round)["samples"]
            moments.add_round(name, samples)


def _run_fan_out(
    plan: Plan, servers: Servers, driver: Driver, moments: Moments, tell: Callable[[str], None]
) -> None:
    """Open many watches of one job, in a fresh process each round: memory is never given back."""
    for number in range(plan.fan_out_rounds):
        tell(f"{plan.watches} watchers: round {number + 1} of {plan.fan_out_rounds}")
        for name in order_of_round(["watch", "sse"], number):
            if name == "watch":
                servers.restart_job_service()
                process = "job_service"
                target = {"kind": "grpc", "address": servers.grpc, "token": servers.token}
            else:
                process = "events"
                address = servers.start_peer_app(process, PEER_EVENTS)
                target = {
                    "kind": "sse",
                    "address": address,
                    "redis_url": servers.peer_redis_url,
                }
            # The first watches pay for what a process sets up once.
            _crowd(driver, servers.pid(process), target, max(1, plan.watches // 20))
            moments.add_round(name, [_crowd(driver, servers.pid(process), target, plan.watches)])
            if name == "sse":
                servers.stop(process)


def _crowd(driver: Driver, pid: int, target: Mapping[str, Any], watches: int) -> dict[str, float]:
    before = settled_rss_bytes(pid)
    opened = driver.ask(do="open_watches", target=target, watches=watches)
    grown = settled_rss_bytes(pid) - before
    ended = driver.ask(do="end_watched")
    return {**opened, **ended, "kib_per_watcher": max(grown, 1) / watches / KIB}


def to_json(plan: Plan, moments: Moments) -> dict[str, Any]:
    """Give everything as JSON-ready values.

    Any: JSON.
    """
    return {
        "plan": asdict(plan),
        "moments": {name: moments.spread(name).to_json() for name in moments.names()},
        "ratios": [
            {**asdict(each), **moments.ratio(each.ours, each.theirs).to_json()} for each in RATIOS
        ],
    }
