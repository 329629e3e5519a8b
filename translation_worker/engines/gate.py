"""Gate: how an engine learns when it may call its server."""

from typing import Protocol


class Gate(Protocol):
    """Keeps calls within rates, over all processes if it can.

    `account` is "" for the operator's account at an engine; other accounts are paused in this
    process alone. It never raises.
    """

    def take(self, engine: str, characters: int, account: str = "") -> float:
        """Take leave for one call now: 0.0, or the seconds after which to ask again."""

    def pause(self, engine: str, seconds: float, account: str = "") -> None:
        """Let nobody call before so many seconds have passed."""


class OpenGate:
    """Lets every call pass; for engines that are used by themselves."""

    def take(self, engine: str, characters: int, account: str = "") -> float:  # noqa: ARG002 - a Gate
        """Let it pass."""
        return 0.0

    def pause(self, engine: str, seconds: float, account: str = "") -> None:
        """Forget it: the caller waits by itself."""
