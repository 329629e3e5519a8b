"""The relay sends every step at least once and goes on after any trouble."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID, uuid4

import pytest

from babelmill.kit.wire.step_message import PRIORITIES, queue_name
from job_service.api.threads import BoundedThreads
from job_service.application.publishing import PublishableStep
from job_service.dispatch.broker import BrokerUnavailable, Outgoing
from job_service.dispatch.relay import Relay
from job_service.dispatch.routes import FAMILIES, UnroutableStep, queue_of
from job_service.domain.errors import StorageUnavailable
from job_service.domain.job import Priority

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def a_step(kind: str = "translate_text") -> PublishableStep:
    return PublishableStep(uuid4(), 1, kind, Priority.NORMAL, TRACEPARENT, uuid4(), "translate[pt]")


class Steps:
    """Pending steps as the database keeps them: claimed, then marked or released."""

    def __init__(self, steps: Sequence[PublishableStep]) -> None:
        self.pending = list(steps)
        self.published: list[UUID] = []
        self.released = 0
        self.trouble: list[Exception] = []

    def take(self, limit: int) -> list[PublishableStep]:
        if self.trouble:
            raise self.trouble.pop()
        taken, self.pending = self.pending[:limit], self.pending[limit:]
        return taken

    def mark_published(self, steps: Sequence[PublishableStep]) -> None:
        self.published += [step.step_id for step in steps]

    def release(self, steps: Sequence[PublishableStep]) -> None:
        self.released += 1
        self.pending += steps


class Shelf:
    """A broker that keeps what it gets, and can be away."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.sent: list[Outgoing] = []

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        if self.away:
            self.away -= 1
            raise BrokerUnavailable
        self.sent += outgoing

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def run_relay() -> AsyncIterator[Callable[[Steps, Shelf], Relay]]:
    threads, sender = BoundedThreads("t", 2), BoundedThreads("s", 1)
    running: list[tuple[Relay, asyncio.Task[None]]] = []

    def run(steps: Steps, shelf: Shelf) -> Relay:
        relay = Relay(
            publishing=steps,  # type: ignore[arg-type]  # has the methods that the relay uses
            broker=shelf,
            threads=threads,
            sender=sender,
            poll_seconds=30,
        )
        running.append((relay, asyncio.create_task(relay.run())))
        return relay

    yield run
    for relay, task in running:
        relay.stop()
        async with asyncio.timeout(10):
            await task
    threads.shutdown()
    sender.shutdown()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_steps_are_sent_and_marked_when_pending(
    run_relay: Callable[[Steps, Shelf], Relay],
) -> None:
    steps, shelf = Steps([a_step() for _ in range(450)]), Shelf()
    ids = [step.step_id for step in steps.pending]
    run_relay(steps, shelf)
    await until(lambda: len(steps.published) == 450)
    assert steps.published == ids
    assert [each.message.step_id for each in shelf.sent] == ids
    assert {each.queue for each in shelf.sent} == {"translation.normal"}
    assert {each.traceparent.split("-")[1] for each in shelf.sent} == {"a" * 32}


async def test_relay_sends_at_once_when_woken(run_relay: Callable[[Steps, Shelf], Relay]) -> None:
    steps, shelf = Steps([]), Shelf()
    relay = run_relay(steps, shelf)
    await asyncio.sleep(0.05)
    steps.pending.append(a_step())
    relay.wake()
    await until(lambda: len(shelf.sent) == 1)


async def test_steps_are_released_and_sent_later_when_the_broker_is_away(
    run_relay: Callable[[Steps, Shelf], Relay],
) -> None:
    steps, shelf = Steps([a_step(), a_step()]), Shelf(away=2)
    run_relay(steps, shelf)
    await until(lambda: len(steps.published) == 2)
    assert steps.released == 2
    assert len(shelf.sent) == 2


async def test_relay_goes_on_when_the_database_is_away_or_something_breaks(
    run_relay: Callable[[Steps, Shelf], Relay],
) -> None:
    steps, shelf = Steps([a_step()]), Shelf()
    steps.trouble = [StorageUnavailable(), ZeroDivisionError()]
    run_relay(steps, shelf)
    await until(lambda: len(steps.published) == 1)


async def test_others_are_sent_when_one_step_has_no_route(
    run_relay: Callable[[Steps, Shelf], Relay],
) -> None:
    good = a_step()
    steps, shelf = Steps([a_step("juggle"), good]), Shelf()
    run_relay(steps, shelf)
    await until(lambda: steps.published == [good.step_id])


def test_every_kind_and_priority_has_a_queue_when_routed() -> None:
    for kind, family in FAMILIES.items():
        queues = {queue_of(kind, priority) for priority in Priority}
        assert queues == {queue_name(family, priority) for priority in PRIORITIES}
    with pytest.raises(UnroutableStep):
        queue_of("juggle", Priority.LOW)
