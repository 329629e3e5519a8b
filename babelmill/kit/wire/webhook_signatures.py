"""Signatures of webhooks: made by the job service, checked by whoever receives them.

As Standard Webhooks 1.0 has it: HMAC-SHA256 over `id.timestamp.body`, so that neither can be
changed, and an old message cannot be sent again later as a new one.
"""

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Iterable, Mapping

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

TOLERANCE_SECONDS = 300.0
"""How far a message's time may be from the receiver's."""

_PREFIX = "whsec_"
_KEY_BYTES = 32
_VERSION = "v1"


class WrongSignature(Exception):
    """The message was not signed with this secret, was changed, or is too old."""


def new_secret() -> str:
    """Make a secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def signed_headers(
    secrets_in_use: Iterable[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Give the headers of a message: one signature for each secret that is in use.

    `timestamp` is in seconds since 1970. Raises ValueError for what is no secret.
    """
    signatures = (_signature(secret, message_id, str(timestamp), body) for secret in secrets_in_use)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(f"{_VERSION},{signature}" for signature in signatures),
    }


def check_signature(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> str:
    """Return the id of a message that was signed with the secret, to tell repeats by.

    `body` must be the bytes as they came. Raises WrongSignature.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp = given[ID_HEADER], given[TIMESTAMP_HEADER]
        signatures = given[SIGNATURE_HEADER].split()
        age_seconds = (time.time() if now is None else now) - int(timestamp)
        expected = _signature(secret, message_id, timestamp, body)
    except (KeyError, ValueError):
        raise WrongSignature from None
    if abs(age_seconds) > tolerance_seconds:
        raise WrongSignature
    # All are compared, and each in constant time.
    matches = [
        hmac.compare_digest(f"{_VERSION},{expected}".encode(), s.encode()) for s in signatures
    ]
    if not any(matches):
        raise WrongSignature
    return message_id


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is whsec_ and base64") from None
