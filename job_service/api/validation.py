"""Collects what is wrong with a request, so that a client mends all of it at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from job_service.api.checks import Fault
from job_service.domain.errors import InvalidRequest, Violation

T = TypeVar("T")


class Violations:
    """The wrong fields of one request, by their paths."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def check(self, field: str, check: Callable[[], T], instead: T) -> T:
        """Run a check; a fault is kept and `instead` returned, to go on with the next field."""
        try:
            return check()
        except Fault as fault:
            self.add(field, fault.description, fault.reason)
            return instead

    def add(self, field: str, description: str, reason: str = "INVALID") -> None:
        """Keep a wrong field."""
        self._found.append(Violation(field, description, reason))

    def raise_if_any(self) -> None:
        """Raise InvalidRequest with all that was found."""
        if self._found:
            raise InvalidRequest(*self._found)


@contextmanager
def field(path: str) -> Iterator[None]:
    """Name the field of a fault within, where one wrong field is the end of it.

    Raises InvalidRequest.
    """
    try:
        yield
    except Fault as fault:
        raise InvalidRequest(Violation(path, fault.description, fault.reason)) from None
