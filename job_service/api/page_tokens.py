"""Page tokens: where the next page starts, sealed.

The seal's key comes from the caller's own bearer token, so every replica can
check it, restarts do not matter, and there is no secret to keep or to rotate.
It covers the tenant and the filter: a token that was changed, or brought by
somebody else or with another filter, is refused. A page token says nothing
that its owner may not know (a time and a job id of the last page), and what
it selects is always narrowed to the tenant again.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from job_service.api.auth import Caller
from job_service.application.job_query import Cursor
from job_service.domain.errors import InvalidRequest, Violation

_VERSION = 1
_PAYLOAD = struct.Struct(">Bq16s")  # version, microseconds since 1970, job id
_SEAL_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PURPOSE = b"babelmill page token"


def seal(cursor: Cursor, caller: Caller, wanted: bytes) -> str:
    """Write a cursor as a token; `wanted` is the filter in its deterministic encoding."""
    microseconds = (cursor.created_at - _EPOCH) // _MICROSECOND
    payload = _PAYLOAD.pack(_VERSION, microseconds, cursor.job_id.bytes)
    return base64.urlsafe_b64encode(payload + _seal_of(payload, caller, wanted)).decode()


def unseal(token: str, caller: Caller, wanted: bytes) -> Cursor | None:
    """Read a token; an empty one means the first page. Raises InvalidRequest."""
    if not token:
        return None
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise _wrong() from None
    payload, given = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
    if len(payload) != _PAYLOAD.size or not hmac.compare_digest(
        given, _seal_of(payload, caller, wanted)
    ):
        raise _wrong()
    version, microseconds, job_id = _PAYLOAD.unpack(payload)
    if version != _VERSION:
        raise _wrong()
    return Cursor(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=job_id))


def _seal_of(payload: bytes, caller: Caller, wanted: bytes) -> bytes:
    key = hmac.digest(caller.token_hash, _PURPOSE, "sha256")
    bound = caller.principal.tenant_id.bytes + hashlib.sha256(wanted).digest() + payload
    return hmac.digest(key, bound, "sha256")[:_SEAL_BYTES]


def _wrong() -> InvalidRequest:
    return InvalidRequest(
        Violation(
            "page_token",
            "It does not continue this list. Use the last response's token with the same "
            "filter and credential, or start without one.",
            "WRONG_PAGE_TOKEN",
        )
    )
