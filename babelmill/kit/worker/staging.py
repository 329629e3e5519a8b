"""The files that attempts stage in the artifact store, and their removal.

Each lease has a prefix of its own below its step's. Until the job service has
published an outcome nobody else can see what lies there.
"""

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.artifacts.store import ArtifactStore, StoreError
from babelmill.kit.process.logs import get_logger

_log = get_logger(__name__)


def drop_staged(store: ArtifactStore, lease: lease_pb2.Lease) -> None:
    """Remove what this lease's attempt has staged; what cannot be removed is left and told of."""
    if lease.staging_prefix:
        _drop(store, lease.staging_prefix)


def drop_dead_attempts(store: ArtifactStore, lease: lease_pb2.Lease) -> None:
    """Remove what earlier attempts at the step have left, such as one that was killed.

    A lease of a later generation is the proof that no earlier one was
    published or ever will be. Prefixes end with generation and lease; where
    one does not, nothing is known of others and nothing is removed.
    """
    parts = lease.staging_prefix.rstrip("/").split("/")
    own = [str(lease.ref.generation), lease.ref.lease_id]
    if lease.attempt <= 1 or len(parts) <= len(own) or parts[-len(own) :] != own:
        return
    step = "/".join(parts[: -len(own)])
    try:
        left = {key.removeprefix(f"{step}/").split("/")[0] for key, _ in store.keys(step)}
    except (StoreError, OSError) as error:
        _log.warning("staged_files_left", error_type=type(error).__name__)
        return
    for generation in sorted(left):
        if generation.isdecimal() and int(generation) < lease.ref.generation:
            _log.info("dead_attempt_dropped", generation=int(generation))
            _drop(store, f"{step}/{generation}")


def _drop(store: ArtifactStore, prefix: str) -> None:
    try:
        store.delete_prefix(prefix)
    except StoreError as error:
        _log.warning("staged_files_left", error_type=type(error).__name__)
