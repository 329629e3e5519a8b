"""Streams are ended when their token does not work, and only then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from uuid import uuid4

import pytest

from job_service.api.auth import Authenticator, Caller
from job_service.api.open_streams import HeldStream, OpenStreams
from job_service.api.threads import BoundedThreads
from job_service.domain.errors import Refusal, StorageUnavailable, Unauthenticated
from job_service.domain.principal import Principal, Role


class Answers:
    """Stands for the tokens' use case: says of each token what the test wants."""

    def __init__(self) -> None:
        self.refusals: dict[str, Refusal] = {}
        self.asked: list[str] = []
        self.principal = Principal(uuid4(), Role.CLIENT, uuid4())

    def authenticate(self, token: str) -> Principal:
        self.asked.append(token)
        if token in self.refusals:
            raise self.refusals[token]
        return self.principal


class Open:
    """A port's streams, and ways to open some."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.streams = OpenStreams(
            Authenticator(
                tokens=self.answers,
                threads=BoundedThreads("t", 1),
                roles=frozenset({Role.CLIENT}),
                remember_seconds=0,
            )
        )

    @asynccontextmanager
    async def stream(self, token: str) -> AsyncIterator[tuple["asyncio.Task[None]", HeldStream]]:
        held: asyncio.Future[HeldStream] = asyncio.get_running_loop().create_future()

        async def wait() -> None:
            caller = Caller(self.answers.principal, sha256(token.encode()).digest())
            metadata = [("authorization", f"Bearer {token}")]
            with self.streams.hold(caller, metadata) as stream:
                held.set_result(stream)
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        yield task, await held
        task.cancel()
        await asyncio.wait([task])


async def test_streams_of_one_token_are_ended_together_when_it_is_revoked() -> None:
    opened = Open()
    async with (
        opened.stream("a") as first,
        opened.stream("a") as second,
        opened.stream("b") as other,
    ):
        opened.answers.refusals["a"] = Unauthenticated()
        await opened.streams.check()
        for task, held in (first, second):
            with pytest.raises(asyncio.CancelledError):
                await task
            assert isinstance(held.refusal, Unauthenticated)
        assert other[1].refusal is None
        assert not other[0].done()
        # Each token once, however many streams it holds.
        assert sorted(opened.answers.asked) == ["a", "b"]


async def test_streams_go_on_when_the_database_is_away() -> None:
    opened = Open()
    async with opened.stream("a") as (task, held):
        opened.answers.refusals["a"] = StorageUnavailable()
        await opened.streams.check()
        assert held.refusal is None
        assert not task.done()


async def test_nothing_is_asked_when_streams_have_ended() -> None:
    opened = Open()
    async with opened.stream("a"):
        pass
    await opened.streams.check()
    assert opened.answers.asked == []
