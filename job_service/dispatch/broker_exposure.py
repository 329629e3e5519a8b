"""Asks Redis, once, whether it serves callers without a password.

Whoever reaches such a Redis can empty queues and fill them. Nothing is lost
by that and no text is there to be read, but work is delayed, and other users
of the same Redis may have more to lose. It is told of and goes on: where Redis
stands is the operator's to decide.
"""

import ipaddress
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError

from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)

_TIMEOUT_SECONDS = 2.0
_CREDENTIALS = frozenset({"username", "password"})


async def tell_of_exposure(redis_url: str) -> bool:
    """Log it if Redis serves anybody; tell whether it does. Raises RedisError, OSError."""
    if not await _serves_without_password(redis_url):
        return False
    if _is_loopback(redis_url):
        _log.warning("broker_needs_no_password")
    else:
        _log.error("broker_open_to_everybody")
    return True


async def _serves_without_password(redis_url: str) -> bool:
    client = Redis.from_url(
        _without_credentials(redis_url),
        socket_connect_timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    async with client:
        try:
            await client.ping()
        except (AuthenticationError, ResponseError):
            return False
    return True


def _without_credentials(redis_url: str) -> str:
    parts = urlsplit(redis_url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in _CREDENTIALS]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(kept)).geturl()


def _is_loopback(redis_url: str) -> bool:
    host = str(parse_url(redis_url).get("host", "localhost"))
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
