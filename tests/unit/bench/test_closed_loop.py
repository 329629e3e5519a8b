"""The load generator's loop, driven by clients that need no server."""

import asyncio

from bench.loads.closed_loop import MAX_ERRORS_PER_CLIENT, run_closed_loop
from bench.loads.submitters import Refused


class Answering:
    """Accepts two jobs a request, after a moment."""

    jobs_per_request = 2

    def __init__(self, name: str) -> None:
        self._name = name
        self.requests = 0
        self.is_open = False

    async def open(self) -> None:
        self.is_open = True

    async def submit(self) -> bytes:
        await asyncio.sleep(0.002)
        self.requests += 1
        return f"{self._name}-{self.requests}".encode()

    def job_ids(self, answer: bytes) -> list[str]:
        return [f"{answer.decode()}a", f"{answer.decode()}b"]

    async def close(self) -> None:
        self.is_open = False


class Refusing(Answering):
    """Accepts nothing."""

    async def submit(self) -> bytes:
        self.requests += 1
        raise Refused("RESOURCE_EXHAUSTED")


async def test_every_accepted_id_is_kept_when_only_a_window_counts() -> None:
    clients = [Answering("x"), Answering("y")]
    measured = await run_closed_loop(clients, warm_up_seconds=0.05, measure_seconds=0.1)
    requests = sum(client.requests for client in clients)
    assert len(set(measured.accepted_ids)) == 2 * requests
    # What came in the warm-up, or after the end, is kept but does not count.
    assert 0 < measured.jobs_in_window < 2 * requests
    assert measured.jobs_in_window == 2 * len(measured.latencies_ms)
    assert min(measured.latencies_ms) >= 2
    assert measured.errors == {}
    assert not any(client.is_open for client in clients)


async def test_errors_are_counted_and_end_a_client_when_all_is_refused() -> None:
    measured = await run_closed_loop([Refusing("x")], warm_up_seconds=0, measure_seconds=0.05)
    assert measured.errors == {"RESOURCE_EXHAUSTED": MAX_ERRORS_PER_CLIENT}
    assert measured.accepted_ids == []
    assert measured.jobs_in_window == 0
