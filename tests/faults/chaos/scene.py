"""Everything that runs in a chaos run, and the hand that does to it what the schedule says.

Two job services, a gateway before the first, a translation worker at each
and a media worker. Call it from the main thread only: the services end with
the thread that started them.
"""

import os
import signal
import subprocess
from collections import Counter
from contextlib import suppress

import psutil
import redis

from tests.deadlines import eventually
from tests.faults.chaos.memory import Memory
from tests.faults.chaos.schedule import POSTGRES, REDIS, Action, Verb
from tests.faults.house import FaultHouse
from tests.faults.service import Service

TARGETS = {
    "gateway_1": 2.0,
    "job_service_1": 3.0,
    "job_service_2": 3.0,
    "translation_worker_1": 3.0,
    "translation_worker_2": 3.0,
    "media_worker_1": 3.0,
    REDIS: 3.0,
    POSTGRES: 2.0,
}
"""What can be hit, and how often against the others."""

_STOP_SECONDS = 10


class Scene:
    """A house in which everything is started, and stays so after `heal`."""

    def __init__(self, house: FaultHouse) -> None:
        self.house = house
        self.fallen: list[str] = []
        """Services that ended though nobody had hit them."""
        self.done: list[Action] = []
        first = house.job_service()
        second = house.job_service()
        at_second = {"worker_grpc": second.environment["BABELMILL_WORKER_GRPC_LISTEN"]}
        engines = {"engines": "bergamot,apertium", "concurrency": 1}
        self.job_services = [first, second]
        self.gateway = house.gateway()
        self.workers = [
            house.translation_worker(wait=False, settings=engines),
            house.translation_worker(wait=False, settings={**engines, **at_second}),
            house.media_worker(wait=False, settings=at_second),
        ]
        self.services = {
            service.name: service for service in (first, second, self.gateway, *self.workers)
        }
        self._down: set[str] = set()
        self._frozen: set[str] = set()
        for worker in self.workers:
            house.wait_for_worker(worker)

    def perform(self, action: Action) -> None:
        """Do one thing; what makes no sense any more is left out."""
        if action.target == REDIS:
            did = self._at_redis(action.verb)
        elif action.target == POSTGRES:
            did = self._at_postgres(action.verb)
        else:
            did = self._at_service(self.services[action.target], action)
        if did:
            self.done.append(action)

    @property
    def blows(self) -> Counter[str]:
        """What was done to whom, without what mended it."""
        return Counter(f"{action.verb} {action.target}" for action in self.done if not action.mends)

    def heal(self) -> None:
        """Bring everything back, and return when it is there."""
        for name in [*self._frozen, *self._down]:
            action = Action(0, name, Verb.THAW if name in self._frozen else Verb.START)
            self.perform(action)
        self.look()
        for service in self.job_services:
            self.house.wait_for_service(service, 60)
        eventually(lambda: all(each.children() for each in self.workers), timeout_seconds=60)

    def flush_redis(self) -> None:
        client = redis.Redis.from_url(self.house.valkey.url(), socket_timeout=10)
        with client:
            client.flushall()

    def look(self) -> None:
        """Notice services that have ended by themselves, and start them again."""
        for name, service in self.services.items():
            if name not in self._down and not service.alive:
                self.fallen.append(f"{name} ended with {service.wait()}:\n{service.last_words()}")
                service.start()

    def measure(self, memory: Memory, at_seconds: float) -> None:
        """Take a sample of every process."""
        for name, service in self.services.items():
            memory.sample(at_seconds, name, [service.pid])
            if service in self.workers and service.alive:
                memory.sample(at_seconds, f"{name} children", service.children())
        for name, pid in (("redis", self.house.valkey.pid), ("postgres", self.house.postgres.pid)):
            if pid is not None:
                backends = [each.pid for each in psutil.Process(pid).children()]
                memory.sample(at_seconds, name, [pid, *backends])

    def _at_redis(self, verb: Verb) -> bool:
        match verb:
            case Verb.KILL:
                self.house.stop_valkey()
                self._down.add(REDIS)
            case Verb.START:
                self.house.start_valkey()
                self._down.discard(REDIS)
            case Verb.FREEZE:
                _signal(self.house.valkey.pid, signal.SIGSTOP)
                self._frozen.add(REDIS)
            case Verb.THAW:
                _signal(self.house.valkey.pid, signal.SIGCONT)
                self._frozen.discard(REDIS)
            case _:
                self.flush_redis()
        return True

    def _at_postgres(self, verb: Verb) -> bool:
        if verb is Verb.KILL:
            self.house.stop_postgres()
            self._down.add(POSTGRES)
        else:
            self.house.start_postgres()
            self._down.discard(POSTGRES)
        return True

    def _at_service(self, service: Service, action: Action) -> bool:
        match action.verb:
            case Verb.KILL:
                service.kill()
                self._down.add(service.name)
            case Verb.STOP:
                service.signal(signal.SIGTERM)
                self._down.add(service.name)
            case Verb.START:
                self._start(service)
            case Verb.FREEZE:
                service.freeze()
                self._frozen.add(service.name)
            case Verb.FREEZE_MAIN:
                service.signal(signal.SIGSTOP)
                self._frozen.add(service.name)
            case Verb.THAW:
                service.thaw()
                self._frozen.discard(service.name)
            case Verb.FREEZE_CHILD:
                self._frozen.add(service.name)
                return _hit_child(service, action.pick, signal.SIGSTOP)
            case _:
                return _hit_child(service, action.pick, signal.SIGKILL)
        return True

    def _start(self, service: Service) -> None:
        # It may have been asked to stop, and not be done yet.
        with suppress(subprocess.TimeoutExpired):
            service.wait(_STOP_SECONDS)
        if service.alive:
            service.kill()
        service.start()
        self._down.discard(service.name)


def _hit_child(service: Service, pick: int, number: signal.Signals) -> bool:
    children = service.children() if service.alive else []
    if children:
        _signal(children[pick % len(children)], number)
    return bool(children)


def _signal(pid: int | None, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if pid is not None:
            os.kill(pid, number)
