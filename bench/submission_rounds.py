"""Runs the rounds of submit.py and sums them up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.contestants import COMPARISONS, CONTROL, Comparison, Contestant
from bench.loads.driver import Driver
from bench.machine import cpu_seconds
from bench.samples import Spread, order_of_round, paired_ratios, percentile, spread


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
    cpu_before = cpu_seconds(contestant.pids)
    measured = driver.ask(
        do="submit",
        target=contestant.target,
        clients=clients,
        warm_up_seconds=plan.warm_up_seconds,
        measure_seconds=plan.measure_seconds,
    )
    # What was accepted and is not yet published would slow down the next one.
    contestant.store.wait_until_published()
    cpu_used = cpu_seconds(contestant.pids) - cpu_before
    ids = measured["accepted_ids"]
    name = contestant.name
    samples.accepted[name] += len(ids)
    samples.missing[name] += contestant.store.missing(ids) + len(ids) - len(set(ids))
    samples.errors[name].update(measured["errors"])
    contestant.store.empty()
    if not measured["latencies_ms"]:
        raise NothingAccepted(f"{name} with {clients} clients: {dict(samples.errors[name])}")
    samples.of[name, clients].append(
        Sample(
            jobs_per_second=measured["jobs_in_window"] / measured["window_seconds"],
            p50_ms=percentile(measured["latencies_ms"], 0.5),
            cpu_us_per_job=cpu_used / len(ids) * 1e6,
            generator_cpu_percent=measured["generator_cpu_percent"],
        )
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
