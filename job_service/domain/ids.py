"""UUIDv7: ids that sort by creation (RFC 9562, section 5.7).

Made here and not by the database, because its uuidv7() came only with
PostgreSQL 18 and the service also runs on 16 and 17. The time is given by the
caller, who has it from the database's clock.
"""

from collections.abc import Callable
from datetime import datetime
from secrets import token_bytes
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A_MASK = 0xFFF << 64
_RANDOM_B_MASK = (1 << 62) - 1


def uuid7(now: datetime, random: Callable[[int], bytes] = token_bytes) -> UUID:
    """Make an id from a time and 74 random bits."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    noise = int.from_bytes(random(10), "big")
    low = (noise & _RANDOM_A_MASK) | (noise & _RANDOM_B_MASK)
    return UUID(int=milliseconds << 80 | _VERSION | _VARIANT | low)
