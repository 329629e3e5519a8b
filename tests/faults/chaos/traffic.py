"""The customers of a chaos run, in a process of their own; run as a program.

Argument: a JSON file with the fields of `Config`. Until SIGTERM, customers
submit, repeat, cancel and watch, some straight to a job service and some
through the gateway. Then they wait for the end of all that they watch, and
the program ends with 0 if nothing was missing. Everything they learn goes to
the record file.

A process of its own, because its threads must not live where servers are
started again: forking with threads is not safe.
"""

import json
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from babelmill.client.errors import BabelmillError, NotFound, ResourceExhausted
from babelmill.jobs.v1 import job_service_pb2
from tests.faults.chaos.http_customer import HttpCustomer, SseFollower
from tests.faults.chaos.record import FileHistory, RecordFile
from tests.faults.chaos.wishes import Wishes
from tests.faults.history import NO_ANSWER, RecordingClient
from tests.faults.watchers import Watched, Watchers

T = TypeVar("T")

Request = job_service_pb2.CreateJobRequest

_REMEMBERED = 60


@dataclass(frozen=True)
class Config:
    """What the program is told. Times are in seconds."""

    seed: int
    services: list[str]
    gateway: str
    token: str
    record: str
    clip: str
    customers: int
    open_jobs: int
    """How many jobs each customer has open at most."""
    least_jobs: int
    """How many each makes at least, even when it is asked to stop before."""
    patience_seconds: float
    """How long a call is repeated, and in the end how long no watch may bring anything."""


class Way(Protocol):
    """A way in: calls once, and says by errors what came of it."""

    def send(self, request: Request) -> str: ...

    def send_many(self, batch: Sequence[Request]) -> list[str]: ...

    def cancel(self, job_id: str) -> object: ...


class Customer:
    """One thread of wishes. Its own way in comes first, the others when that one fails."""

    def __init__(
        self,
        config: Config,
        number: int,
        *,
        ways: Sequence[Way],
        watch: Callable[[str], list[Watched]],
        upload: Callable[[str], object],
        pairs: dict[str, list[str]],
        stopped: threading.Event,
    ) -> None:
        self.failure = ""
        self._config = config
        self._dice = random.Random(f"{config.seed}/{number}")
        self._wishes = Wishes(self._dice, pairs)
        self._ways = list(ways)
        self._watch = watch
        self._upload = upload
        self._stopped = stopped
        self._open: list[Watched] = []
        self._made: deque[tuple[Request, str]] = deque(maxlen=_REMEMBERED)
        self._artifact = ""
        self._count = 0
        self.thread = threading.Thread(target=self._run, name=f"customer {number}", daemon=True)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set() or self._count < self._config.least_jobs:
                self._open = [each for each in self._open if not each.finished]
                if len(self._open) >= self._config.open_jobs:
                    time.sleep(0.02)
                else:
                    self._do_something()
        except Exception as error:  # noqa: BLE001 - told as the program's result
            self.failure = f"{self.thread.name}: {type(error).__name__}: {error}"

    def _do_something(self) -> None:
        match self._wishes.choose():
            case "text":
                self._submit(self._wishes.text())
            case "long text":
                self._submit(self._wishes.long_text())
            case "hasty":
                self._submit(self._wishes.hasty())
            case "patient":
                self._submit(self._wishes.patient())
            case "media":
                self._submit(self._wishes.media(self._clip()))
            case "batch":
                self._submit_batch(self._wishes.batch())
        if self._made and self._dice.random() < 0.12:
            self._cancel(self._dice.choice(self._made)[1])
        if self._made and self._dice.random() < 0.10:
            self._ask_again(*self._dice.choice(self._made))

    def _submit(self, request: Request) -> None:
        job_id = self._persist(lambda way: way.send(request))
        if job_id is not None:
            self._keep(request, job_id)

    def _submit_batch(self, batch: list[Request]) -> None:
        for request, job_id in zip(
            batch, self._persist(lambda way: way.send_many(batch)) or (), strict=False
        ):
            self._keep(request, job_id)

    def _keep(self, request: Request, job_id: str) -> None:
        self._count += 1
        self._made.append((request, job_id))
        self._open += self._watch(job_id)

    def _cancel(self, job_id: str) -> None:
        self._persist(lambda way: way.cancel(job_id))

    def _ask_again(self, request: Request, job_id: str) -> None:
        """Send a request that has made its job; the record shows whether it made another."""
        self._ways.append(self._ways.pop(0))
        again = self._persist(lambda way: way.send(request))
        assert again in {job_id, None}, f"{request.request_id} made {job_id}, then {again}"

    def _clip(self) -> str:
        """The artifact of the clip; now and then it is uploaded anew."""
        if not self._artifact or self._dice.random() < 0.3:
            artifact_id = self._wishes.text().request_id
            self._persist(lambda _: self._upload(artifact_id))
            self._artifact = artifact_id
        return self._artifact

    def _persist(self, call: Callable[[Way], T]) -> T | None:
        """Call until there is an answer, the next way in after each silence; None if refused."""
        deadline = time.monotonic() + self._config.patience_seconds
        while True:
            try:
                return call(self._ways[0])
            except (*NO_ANSWER, ResourceExhausted) as error:
                if time.monotonic() > deadline:
                    raise
                wait = getattr(error, "retry_after_seconds", None) or 0.2
                self._ways.append(self._ways.pop(0))
            except BabelmillError:
                return None
            time.sleep(wait)


class Traffic:
    """All customers, watchers and followers of one run."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.file = RecordFile(Path(config.record))
        history = FileHistory(self.file)
        self.stopped = threading.Event()
        self.clients = [
            RecordingClient(address, config.token, history) for address in config.services
        ]
        self.https = HttpCustomer(config.gateway, config.token, history)
        self.watchers = [
            Watchers(order, config.token) for order in (config.services, config.services[::-1])
        ]
        self.followers: list[SseFollower] = []
        pairs: dict[str, list[str]] = {}
        for pair in self.clients[0].client.languages():
            if len(pair.hops) == 1:
                pairs.setdefault(pair.source_language, []).append(pair.target_language)
        self.customers = [self._customer(number, pairs) for number in range(config.customers)]
        # The first line of the record says that the customers are there.
        self.file.write("run", {**asdict(config), "token": ""})

    def _customer(self, number: int, pairs: dict[str, list[str]]) -> Customer:
        direct: list[Way] = list(self.clients)
        place = number % (len(direct) + 1)
        own = self.clients[number % len(self.clients)]
        if place == len(direct):
            follower = SseFollower(self.config.gateway, self.config.token)
            self.followers.append(follower)
            ways, watch = [self.https, *direct], follower.watch
        else:
            ways = [*direct[place:], *direct[:place], self.https]
            watch = self.watchers[number // 3 % 2].watch

        def upload(artifact_id: str) -> None:
            # The service may have got it all, and its answer was lost.
            try:
                own.client.get_artifact(artifact_id)
            except NotFound:
                own.client.upload(Path(self.config.clip), artifact_id=artifact_id)

        return Customer(
            self.config,
            number,
            ways=ways,
            watch=watch,
            upload=upload,
            pairs=pairs,
            stopped=self.stopped,
        )

    def run(self) -> list[str]:
        """Be busy until stopped, then wait for all that is watched; return what failed."""
        for customer in self.customers:
            customer.thread.start()
        self.stopped.wait()
        failures = []
        patience = self.config.patience_seconds
        for customer in self.customers:
            customer.thread.join(2 * patience)
            if customer.thread.is_alive():
                failures.append(f"{customer.thread.name} does not end")
            if customer.failure:
                failures.append(customer.failure)
        self._wait_for_ends(patience)
        if left := sum(not each.finished for each in self._watched()):
            failures.append(f"{left} watches wait")
        for watched in self._watched():
            self.file.write("watch", asdict(watched))
        return failures

    def close(self) -> None:
        for each in self.watchers:
            each.close()
        for follower in self.followers:
            follower.close()
        for client in self.clients:
            client.close()
        self.https.close()
        self.file.close()

    def _watched(self) -> list[Watched]:
        kept = [watchers.watched for watchers in self.watchers]
        kept += [follower.watched for follower in self.followers]
        return [each for watched in kept for each in watched]

    def _wait_for_ends(self, patience_seconds: float) -> None:
        """Wait for the end of every watch, for as long as messages come."""
        messages, came_at = 0, time.monotonic()
        while time.monotonic() - came_at < patience_seconds:
            watched = self._watched()
            if all(each.finished for each in watched):
                return
            so_far = sum(each.messages for each in watched)
            if so_far != messages:
                messages, came_at = so_far, time.monotonic()
            time.sleep(0.1)


def main(argv: list[str]) -> int:
    traffic = Traffic(Config(**json.loads(Path(argv[1]).read_text())))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: traffic.stopped.set())
    try:
        failures = traffic.run()
    finally:
        traffic.close()
    for failure in failures:
        sys.stderr.write(failure + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
