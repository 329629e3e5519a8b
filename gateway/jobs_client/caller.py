"""Who is calling: the client's own credential, passed on as it came.

The edge never checks it; the job service does, once. It is kept out of every
repr, so that it cannot reach a log.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """The credential of one request; without one the job service refuses."""

    authorization: str = field(default="", repr=False)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The gRPC metadata of this caller's calls."""
        return (("authorization", self.authorization),) if self.authorization else ()
