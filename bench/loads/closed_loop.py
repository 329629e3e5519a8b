"""Drives clients in a closed loop: each sends its next request when it has its answer.

What finishes inside the window after the warm-up counts. Requests that are
still out at its end are waited for and not counted, but their jobs were
accepted, so their ids are kept for checking.
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bench.loads.submitters import Refused, Submitter
from bench.samples import completed_within

MAX_ERRORS_PER_CLIENT = 20


@dataclass(slots=True)
class Measured:
    """What a run of the loop has seen."""

    window_seconds: float
    jobs_in_window: int
    latencies_ms: list[float]
    errors: dict[str, int]
    accepted_ids: list[str]
    generator_cpu_percent: float
    """Of one core, in the window: near 100 means the generator was the limit."""

    def to_json(self) -> dict[str, object]:
        """Give it as JSON-ready values."""
        return asdict(self)


@dataclass(slots=True)
class _Tally:
    started: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


async def run_closed_loop(
    clients: Sequence[Submitter], *, warm_up_seconds: float, measure_seconds: float
) -> Measured:
    """Run all clients for both times together and return what was measured."""
    await asyncio.gather(*(client.open() for client in clients))
    tally = _Tally()
    # A collection in the generator would look like a slow server.
    gc.collect()
    gc.disable()
    try:
        window_start = time.monotonic() + warm_up_seconds
        window_end = window_start + measure_seconds
        running = [asyncio.create_task(_drive(each, window_end, tally)) for each in clients]
        await asyncio.sleep(window_start - time.monotonic())
        cpu_start, clock_start = time.process_time(), time.monotonic()
        await asyncio.sleep(window_end - time.monotonic())
        cpu_end, clock_end = time.process_time(), time.monotonic()
        await asyncio.gather(*running)
    finally:
        gc.enable()
        await asyncio.gather(*(client.close() for client in clients))
    inside = completed_within(tally.finished, window_start, window_end)
    return Measured(
        window_seconds=measure_seconds,
        jobs_in_window=len(inside) * clients[0].jobs_per_request,
        latencies_ms=[(tally.finished[i] - tally.started[i]) * 1000 for i in inside],
        errors=dict(tally.errors),
        accepted_ids=[each for answer in tally.answers for each in clients[0].job_ids(answer)],
        generator_cpu_percent=100 * (cpu_end - cpu_start) / (clock_end - clock_start),
    )


async def _drive(client: Submitter, until: float, tally: _Tally) -> None:
    errors = 0
    while (started := time.monotonic()) < until and errors < MAX_ERRORS_PER_CLIENT:
        try:
            answer = await client.submit()
        except Refused as refused:
            errors += 1
            tally.errors[str(refused)] += 1
            continue
        tally.started.append(started)
        tally.finished.append(time.monotonic())
        tally.answers.append(answer)
