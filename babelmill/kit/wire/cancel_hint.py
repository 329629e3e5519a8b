"""The hint that a job is being cancelled: from the job service to the workers, through Redis.

It only makes a worker ask sooner what it would ask within a second anyway.
Nothing is lost when a hint is, and nothing is believed because of one.
"""

from uuid import UUID

CHANNEL = "babelmill:cancel_requested"


def encode_cancel_hint(job_id: UUID) -> str:
    """Give the message that names the job."""
    return job_id.hex


def decode_cancel_hint(data: object) -> UUID | None:
    """Read a message; None if it names no job: anybody could have sent it."""
    text = data.decode("ascii", errors="replace") if isinstance(data, bytes) else ""
    try:
        return UUID(hex=text)
    except ValueError:
        return None
