"""What the stream shells need of the logic that they drive."""

from typing import Protocol, TypeVar

from babelmill.client.errors import BabelmillError

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ItemT = TypeVar("ItemT")
ResponseT_co = TypeVar("ResponseT_co", covariant=True)
RequestT_co = TypeVar("RequestT_co", covariant=True)
ResponseT_contra = TypeVar("ResponseT_contra", contravariant=True)
ItemT_co = TypeVar("ItemT_co", covariant=True)


class StreamCursor(Protocol[RequestT_co, ResponseT_contra, ItemT_co]):
    """A position in a stream that can be opened again where it broke."""

    @property
    def finished(self) -> bool:
        """Whether nothing follows."""

    def request(self) -> RequestT_co:
        """Build the request that goes on at the position."""

    def accept(self, response: ResponseT_contra) -> ItemT_co | None:
        """Take one message; return what to yield, None for nothing."""

    def broken(self, error: BabelmillError) -> float:
        """Return the seconds to wait before opening again; raise if that is no use."""
