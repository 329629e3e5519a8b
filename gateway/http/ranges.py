"""Single byte ranges by RFC 9110 section 14: what a download may start and end at.

Only one range is served: many ranges in one request cost the server more than
the client, and no client of ours needs them. The header's length is bounded,
and it is read once from left to right.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from gateway.problem_details import ProblemError

# 19 digits hold any int64; more would only be work.
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.last - self.first + 1

    def content_range(self, size_bytes: int) -> str:
        """Write the Content-Range header."""
        return f"bytes {self.first}-{self.last}/{size_bytes}"


def parse_range(header: str, size_bytes: int) -> ByteRange:
    """Read a Range header against the content's size.

    Raises ProblemError 416 if it is malformed, names several ranges, or
    nothing of it exists.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        raise unsatisfiable(size_bytes)
    first_text, last_text = match.groups()
    if not first_text:
        return _suffix(int(last_text or 0), size_bytes)
    first = int(first_text)
    last = min(int(last_text), size_bytes - 1) if last_text else size_bytes - 1
    if first > last or first >= size_bytes:
        raise unsatisfiable(size_bytes)
    return ByteRange(first, last)


def _suffix(length: int, size_bytes: int) -> ByteRange:
    if length == 0 or size_bytes == 0:
        raise unsatisfiable(size_bytes)
    return ByteRange(max(0, size_bytes - length), size_bytes - 1)


def unsatisfiable(size_bytes: int) -> ProblemError:
    """Make the refusal of a range."""
    return ProblemError(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        "RANGE_NOT_SATISFIABLE",
        "Ask for one range of bytes that the content has.",
        metadata={"size_bytes": str(size_bytes)},
        headers={"Content-Range": f"bytes */{size_bytes}"},
    )
