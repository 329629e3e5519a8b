"""Who calls: tokens, roles, and how long a good token is remembered."""

from uuid import uuid4

import pytest

from job_service.api.auth import Authenticator, bearer_token
from job_service.api.threads import BoundedThreads
from job_service.domain.errors import Unauthenticated, WrongRole
from job_service.domain.principal import Principal, Role


class TwoTokens:
    """A client's and a worker's token; counts what it is asked."""

    def __init__(self) -> None:
        self.known = {
            "client-token": Principal(uuid4(), Role.CLIENT, uuid4()),
            "worker-token": Principal(uuid4(), Role.WORKER, uuid4()),
        }
        self.asked = 0

    def authenticate(self, token: str) -> Principal:
        self.asked += 1
        if token not in self.known:
            raise Unauthenticated
        return self.known[token]


def metadata(token: str) -> list[tuple[str, str | bytes]]:
    return [("authorization", f"Bearer {token}")]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [("authorization", "")],
        [("authorization", "Basic abc")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer é")],
        [("authorization", "Bearer " + "x" * 513)],
        [("authorization", b"Bearer x")],
        [("authorization", "Bearer a"), ("authorization", "Bearer b")],
    ],
)
def test_call_is_refused_when_its_token_is_malformed(
    entries: list[tuple[str, str | bytes]],
) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(entries)


async def test_token_is_asked_for_again_when_the_memory_is_old() -> None:
    tokens, now = TwoTokens(), [0.0]
    authenticator = Authenticator(
        tokens=tokens,
        threads=BoundedThreads("t", 1),
        roles=frozenset({Role.CLIENT}),
        clock=lambda: now[0],
    )
    for _ in range(3):
        await authenticator.authenticate(metadata("client-token"))
    assert tokens.asked == 1
    del tokens.known["client-token"]
    now[0] = 29.9
    await authenticator.authenticate(metadata("client-token"))
    now[0] = 30.1
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(metadata("client-token"))


async def test_memory_stays_bounded_when_many_tokens_come() -> None:
    tokens = TwoTokens()
    tokens.known |= {f"t{n}": Principal(uuid4(), Role.CLIENT, uuid4()) for n in range(20)}
    authenticator = Authenticator(
        tokens=tokens, threads=BoundedThreads("t", 1), roles=frozenset({Role.CLIENT}), capacity=10
    )
    for n in range(20):
        await authenticator.authenticate(metadata(f"t{n}"))
    await authenticator.authenticate(metadata("t19"))
    assert tokens.asked == 20
    await authenticator.authenticate(metadata("t0"))
    assert tokens.asked == 21


@pytest.mark.parametrize(
    ("role", "token"), [(Role.CLIENT, "worker-token"), (Role.WORKER, "client-token")]
)
async def test_token_is_refused_when_its_role_is_another_ports(role: Role, token: str) -> None:
    authenticator = Authenticator(
        tokens=TwoTokens(), threads=BoundedThreads("t", 1), roles=frozenset({role})
    )
    with pytest.raises(WrongRole):
        await authenticator.authenticate(metadata(token))
