"""The schedule is what the seed says, and lets nobody lie who was hit."""

from tests.faults.chaos.scene import TARGETS
from tests.faults.chaos.schedule import POSTGRES, REDIS, Action, Verb, blows_for, make_schedule


def plan(seed: int, seconds: float = 600) -> list[Action]:
    return make_schedule(seed, TARGETS, seconds=seconds, gap_seconds=1.5, lease_seconds=3)


def test_same_blows_come_when_the_seed_is_the_same() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_blow_is_mended_before_the_next_one_when_a_target_is_hit_again() -> None:
    for target in TARGETS:
        hurt = False
        for action in plan(1):
            if action.target == target:
                assert action.mends == hurt
                hurt = not action.mends and action.verb not in {Verb.FLUSH, Verb.KILL_CHILD}
        assert not hurt


def test_every_kind_of_blow_falls_when_there_is_time() -> None:
    fallen = {(action.target, action.verb) for action in plan(3, 3600) if not action.mends}
    assert fallen == {(target, verb) for target in TARGETS for verb in blows_for(target)}
    assert (REDIS, Verb.FLUSH) in fallen
    assert (POSTGRES, Verb.KILL) in fallen
