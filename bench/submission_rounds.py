"""Runs the rounds of submit.py and sums them up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.contestants import COMPARISONS, CONTROL, Comparison, Contestant
from bench.loads.driver import Driver
from bench.machine import cpu_seconds
from bench.samples import Spread, order_of_round, paired_ratios, percentile, spread

LONGER_TRIES = 4
# The kernel counts CPU time in ticks of 10 ms: less than one reads as none.
CPU_RESOLUTION_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    clients: tuple[int, ...]
    rounds: int
    warm_up_seconds: float
    measure_seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One contestant, one number of clients, one round."""

    jobs_per_second: float
    p50_ms: float
    cpu_us_per_job: float
    """Of its own processes, from its first job until its last one is published."""
    generator_cpu_percent: float


@dataclass(slots=True)
class Samples:
    """All samples by (contestant, clients), in the order of the rounds."""

    of: defaultdict[tuple[str, int], list[Sample]] = field(
        default_factory=lambda: defaultdict(list)
    )
    accepted: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    errors: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def values(self, name: str, clients: int, what: str) -> list[float]:
        """Return one quantity of all rounds."""
        return [getattr(sample, what) for sample in self.of[name, clients]]

    def spread(self, name: str, clients: int, what: str) -> Spread:
        """Sum up one quantity."""
        return spread(self.values(name, clients, what))

    def ratio(self, comparison: Comparison, clients: int, what: str) -> Spread:
        """Sum up the ratio of two contestants in one quantity."""
        return paired_ratios(
            self.values(comparison.ours, clients, what),
            self.values(comparison.theirs, clients, what),
        )


def run_rounds(
    plan: Plan,
    contestants: Sequence[Contestant],
    driver: Driver,
    announce: Callable[[], object],
    tell: Callable[[str], None],
) -> Samples:
    """Measure everybody in every round, in an order that changes."""
    tell("warming up")
    announce()
    for contestant in contestants:
        # The first request pays for imports and connections, the first crowd for threads.
        for clients in plan.clients:
            _ask(driver, contestant, clients, 0.0, plan.measure_seconds / 2)
            contestant.store.wait_until_published()
            contestant.store.empty()
    samples = Samples()
    for number in range(plan.rounds):
        tell(f"round {number + 1} of {plan.rounds}")
        # What workers announce lapses after some minutes.
        announce()
        for clients in plan.clients:
            for contestant in order_of_round(contestants, number):
                _measure(plan, contestant, clients, driver, samples)
    return samples


def _measure(
    plan: Plan, contestant: Contestant, clients: int, driver: Driver, samples: Samples
) -> None:
    seconds = plan.measure_seconds
    for _ in range(LONGER_TRIES):
        if _measured(plan, contestant, clients, seconds, driver, samples):
            return
        # A machine that stood still for a whole window has told nothing.
        seconds *= 2
    errors = dict(samples.errors[contestant.name])
    raise NothingAccepted(f"{contestant.name} with {clients} clients: {errors}")


def _measured(
    plan: Plan,
    contestant: Contestant,
    clients: int,
    seconds: float,
    driver: Driver,
    samples: Samples,
) -> bool:
    """Take one sample; False if no request ended within its window."""
    cpu_before = cpu_seconds(contestant.pids)
    measured = _ask(driver, contestant, clients, plan.warm_up_seconds, seconds)
    # What was accepted and is not yet published would slow down the next one.
    contestant.store.wait_until_published()
    cpu_used = max(cpu_seconds(contestant.pids) - cpu_before, CPU_RESOLUTION_SECONDS)
    ids = measured["accepted_ids"]
    name = contestant.name
    samples.accepted[name] += len(ids)
    samples.missing[name] += contestant.store.missing(ids) + len(ids) - len(set(ids))
    samples.errors[name].update(measured["errors"])
    contestant.store.empty()
    if not measured["latencies_ms"]:
        return False
    samples.of[name, clients].append(
        Sample(
            jobs_per_second=measured["jobs_in_window"] / measured["window_seconds"],
            p50_ms=percentile(measured["latencies_ms"], 0.5),
            cpu_us_per_job=cpu_used / len(ids) * 1e6,
            generator_cpu_percent=measured["generator_cpu_percent"],
        )
    )
    return True


def _ask(
    driver: Driver,
    contestant: Contestant,
    clients: int,
    warm_up_seconds: float,
    measure_seconds: float,
) -> dict[str, Any]:
    """Let the generator run; any, because its answer is JSON."""
    return driver.ask(
        do="submit",
        target=contestant.target,
        clients=clients,
        warm_up_seconds=warm_up_seconds,
        measure_seconds=measure_seconds,
    )


class NothingAccepted(Exception):
    """A contestant has accepted nothing, so there is nothing to compare."""


def to_json(plan: Plan, contestants: Sequence[Contestant], samples: Samples) -> dict[str, Any]:
    """Give everything as JSON-ready values.

    Any: JSON.
    """
    quantities = ("jobs_per_second", "p50_ms", "cpu_us_per_job", "generator_cpu_percent")
    return {
        "plan": asdict(plan),
        "contestants": {
            each.name: {
                "title": each.title.strip(),
                "promise": each.promise,
                "accepted": samples.accepted[each.name],
                "missing": samples.missing[each.name],
                "errors": dict(samples.errors[each.name]),
                "by_clients": {
                    str(clients): {
                        what: samples.spread(each.name, clients, what).to_json()
                        for what in quantities
                    }
                    for clients in plan.clients
                },
            }
            for each in contestants
        },
        "ratios": [
            {
                "ours": each.ours,
                "theirs": each.theirs,
                "is_control": each == CONTROL,
                "by_clients": {
                    str(clients): {
                        what: samples.ratio(each, clients, what).to_json()
                        for what in ("jobs_per_second", "p50_ms", "cpu_us_per_job")
                    }
                    for clients in plan.clients
                },
            }
            for each in (CONTROL, *COMPARISONS)
        ],
    }
