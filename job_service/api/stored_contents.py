"""Where a worker finds an input: from an artifact to the message that names its place."""

from babelmill.jobs.v1 import lease_pb2
from job_service.api.job_answers import digest
from job_service.domain.job import Artifact

# Leads to nothing in the store: the worker finds its input missing, and says so.
_NOWHERE = "missing"


def stored_content(found: Artifact | None) -> lease_pb2.StoredContent:
    """Write where a worker finds an input."""
    if found is None:
        return lease_pb2.StoredContent(storage_key=_NOWHERE)
    message = lease_pb2.StoredContent(
        digest=digest(found.digest), filename=found.filename, media_type=found.media_type
    )
    if found.inline is not None:
        message.inline = found.inline
    else:
        message.storage_key = found.storage_key or _NOWHERE
    return message
