"""What is done to whom, and when: all of it follows from the seed.

A target is hit again only when it has got over the last blow, so each blow
comes with its remedy; different targets suffer at the same time.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

REDIS = "redis"
POSTGRES = "postgres"


class Verb(StrEnum):
    """What can be done to a target."""

    KILL = "kill"  # SIGKILL of the main process; PostgreSQL is stopped immediately
    KILL_CHILD = "kill child"  # SIGKILL of one child of a worker
    STOP = "stop"  # SIGTERM: the service may finish what it has begun
    START = "start"
    FREEZE = "freeze"  # SIGSTOP of everything that belongs to it
    FREEZE_MAIN = "freeze main"
    FREEZE_CHILD = "freeze child"
    THAW = "thaw"  # SIGCONT of everything that belongs to it
    FLUSH = "flush"  # FLUSHALL


@dataclass(frozen=True, order=True)
class Action:
    """One thing to be done. `pick` chooses among the children that there are then."""

    at_seconds: float
    target: str
    verb: Verb
    pick: int = 0

    @property
    def mends(self) -> bool:
        return self.verb in {Verb.START, Verb.THAW}

    def __str__(self) -> str:
        return f"{self.at_seconds:8.2f} {self.verb} {self.target}"


_OF_SERVICE: Mapping[Verb, int] = {Verb.KILL: 3, Verb.STOP: 1, Verb.FREEZE: 2}
_OF_WORKER: Mapping[Verb, int] = {
    Verb.KILL: 2,
    Verb.KILL_CHILD: 3,
    Verb.STOP: 1,
    Verb.FREEZE: 1,
    Verb.FREEZE_MAIN: 1,
    Verb.FREEZE_CHILD: 1,
}
_OF_REDIS: Mapping[Verb, int] = {Verb.FLUSH: 2, Verb.KILL: 2, Verb.FREEZE: 1}
_OF_POSTGRES: Mapping[Verb, int] = {Verb.KILL: 1}
_REMEDIES: Mapping[Verb, Verb] = {
    Verb.KILL: Verb.START,
    Verb.STOP: Verb.START,
    Verb.FREEZE: Verb.THAW,
    Verb.FREEZE_MAIN: Verb.THAW,
    Verb.FREEZE_CHILD: Verb.THAW,
}
# A target that was started needs a moment before it can be hit in its work.
_REST_SECONDS = 2.0


def blows_for(target: str) -> Mapping[Verb, int]:
    """Name what can happen to a target, with its weight."""
    if target == REDIS:
        return _OF_REDIS
    if target == POSTGRES:
        return _OF_POSTGRES
    return _OF_WORKER if "worker" in target else _OF_SERVICE


def make_schedule(
    seed: int,
    targets: Mapping[str, float],
    *,
    seconds: float,
    gap_seconds: float,
    lease_seconds: float,
) -> list[Action]:
    """Plan the blows of one run, and after each its remedy, all within `seconds`.

    `targets` are weighted. Between two blows are `gap_seconds` on average, and
    freezes last up to one and a half leases, so that some outlive theirs.
    """
    dice = random.Random(seed)
    free_from = dict.fromkeys(targets, 0.0)
    actions = []
    now = dice.expovariate(1 / gap_seconds)
    while now < seconds:
        free = [name for name in targets if free_from[name] <= now]
        if free:
            target = dice.choices(free, [targets[name] for name in free])[0]
            blows = blows_for(target)
            verb = dice.choices(list(blows), list(blows.values()))[0]
            pick = dice.randrange(100)
            over = now + (
                dice.uniform(0.1, 1.5 * lease_seconds)
                if _REMEDIES.get(verb) is Verb.THAW
                else dice.uniform(0, 3)
            )
            if over < seconds:
                actions.append(Action(now, target, verb, pick))
                if verb in _REMEDIES:
                    actions.append(Action(over, target, _REMEDIES[verb], pick))
                free_from[target] = over + _REST_SECONDS
        now += dice.expovariate(1 / gap_seconds)
    return sorted(actions)
