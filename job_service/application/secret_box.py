"""Keeps jobs' secrets: encrypted at rest, and of use for one job of one tenant alone.

AES-256-GCM (NIST SP 800-38D) with a random nonce; tenant and job are bound to
the ciphertext, so a row that was moved to another job does not open. Both keys
in use are derived from the master key (HKDF, RFC 5869), which is read from a
file that only its owner can read, and never leaves the process.
"""

import hmac
import os
import stat
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_KEY_BYTES = 32

_VERSION = b"\x01"
_NONCE_BYTES = 12
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


class SecretUnreadable(Exception):
    """The ciphertext was made for another job or with another key, or is damaged."""


class BadSecretsKey(ValueError):
    """The key file cannot be used; the text says why and holds nothing of the key."""


class SecretBox:
    """Seals and opens secrets with one master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise BadSecretsKey(f"the key must have {MASTER_KEY_BYTES} bytes")
        self._cipher = AESGCM(_derive(master_key, b"babelmill job secrets: encryption"))
        self._digest_key = _derive(master_key, b"babelmill job secrets: digest")

    def seal(self, tenant_id: UUID, job_id: UUID, secret: str) -> bytes:
        """Encrypt a job's secret."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), _owner(tenant_id, job_id))
        return _VERSION + nonce + sealed

    def open(self, tenant_id: UUID, job_id: UUID, sealed: bytes) -> str:
        """Decrypt a job's secret. Raises SecretUnreadable."""
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
            raise SecretUnreadable
        try:
            return self._cipher.decrypt(nonce, ciphertext, _owner(tenant_id, job_id)).decode()
        except InvalidTag:
            raise SecretUnreadable from None

    def digest(self, secret: str) -> bytes:
        """Tell secrets apart without telling them: a keyed hash (HMAC, RFC 2104)."""
        return hmac.digest(self._digest_key, secret.encode(), sha256)


def read_key_file(path: Path) -> bytes:
    """Read a master key: 64 hexadecimal digits. Raises BadSecretsKey."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * MASTER_KEY_BYTES)
    except OSError as error:
        raise BadSecretsKey(f"the file cannot be read: {error.strerror}") from None
    if mode & _OTHERS_MAY:
        raise BadSecretsKey("the file must be readable by its owner only (mode 0600)")
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise BadSecretsKey(f"the file must hold {2 * MASTER_KEY_BYTES} hexadecimal digits")
    return key


def _owner(tenant_id: UUID, job_id: UUID) -> bytes:
    return tenant_id.bytes + job_id.bytes


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=MASTER_KEY_BYTES, salt=None, info=purpose).derive(master_key)
