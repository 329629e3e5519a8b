"""Rules for what names bytes: digests, filenames, media types."""

import re
from hashlib import sha256

from job_service.domain.errors import Violation
from job_service.domain.job import Digest

LONGEST_FILENAME_CHARACTERS = 255
LONGEST_MEDIA_TYPE_CHARACTERS = 255
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(;[\x20-\x7e]*)?", re.ASCII)


def digest_of(data: bytes) -> Digest:
    """Name bytes."""
    return Digest(sha256(data).hexdigest(), len(data))


def check_digest(digest: Digest, field: str) -> list[Violation]:
    """Return what is wrong with a digest that someone else has made."""
    wrong = []
    if not _SHA256.fullmatch(digest.sha256):
        wrong.append(Violation(f"{field}.sha256", "must be 64 lower-case hexadecimal digits"))
    if digest.size_bytes < 0:
        wrong.append(Violation(f"{field}.size_bytes", "must not be negative"))
    return wrong


def check_filename(filename: str, field: str) -> list[Violation]:
    """Return what is wrong with a filename. It is a label and never becomes a path."""
    if not filename or filename in {".", ".."}:
        return [Violation(field, "must name a file")]
    if len(filename) > LONGEST_FILENAME_CHARACTERS:
        return [Violation(field, f"must have at most {LONGEST_FILENAME_CHARACTERS} characters")]
    if not filename.isprintable() or "/" in filename or "\\" in filename:
        return [Violation(field, "must hold neither control characters nor slashes")]
    return []


def check_media_type(media_type: str, field: str) -> list[Violation]:
    """Return what is wrong with a media type (RFC 6838, section 4.2)."""
    if len(media_type) > LONGEST_MEDIA_TYPE_CHARACTERS or not _MEDIA_TYPE.fullmatch(media_type):
        return [Violation(field, "must be a media type such as text/plain")]
    return []
