"""The blocking and the asyncio client offer the same, word for word."""

import inspect
import re
from collections.abc import Callable

import pytest

from babelmill.client import AsyncClient, Client

# Context management differs by the language's own rules.
PAIRS = {
    name: name
    for name in dir(Client)
    if not name.startswith("_") and callable(getattr(Client, name))
} | {"close": "aclose"}


def signature_of(method: Callable[..., object]) -> str:
    text = str(inspect.signature(method))
    text = re.sub(r"babelmill\.client\.(a?sync)_\w+\.", "", text)
    return text.replace("Async", "")


@pytest.mark.parametrize("name", PAIRS)
def test_signatures_are_alike_when_compared(name: str) -> None:
    blocking, asynchronous = getattr(Client, name), getattr(AsyncClient, PAIRS[name])
    assert signature_of(blocking) == signature_of(asynchronous)


def test_nothing_is_offered_by_one_alone_when_compared() -> None:
    offered = {name for name in dir(AsyncClient) if not name.startswith("_")}
    assert offered == set(PAIRS.values())
