"""Checkpoints: finished parts of a step, kept for its next attempt.

A checkpoint saves work and never decides anything: one that is missing,
damaged or cannot be written costs time. Its key names everything that its
content depends on, so two attempts that write the same key write the same
bytes, and whichever comes last changes nothing. The job service removes a
job's checkpoints when the job has ended.
"""

import hashlib
import json
from collections.abc import Mapping

import structlog

from babelmill.kit.artifacts.store import ArtifactStore, ObjectMissing, StoreError

CHECKPOINTS = "checkpoints"
"""The first part of every checkpoint's key in the artifact store."""

_DIGEST_BYTES = hashlib.sha256().digest_size


def checkpoint_prefix(job_id: str, step_id: str) -> str:
    """Name the place in the artifact store of a step's checkpoints."""
    return f"{CHECKPOINTS}/{job_id}/{step_id}"


class Checkpoints:
    """The checkpoints of one step that rest on the same facts.

    `basis` names all that the content depends on: digests of inputs, versions
    of engines and code, settings. Other facts are other checkpoints.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        basis: Mapping[str, object],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        facts = json.dumps(basis, sort_keys=True, ensure_ascii=True).encode()
        self._store = store
        self._prefix = f"{prefix}/{hashlib.sha256(facts).hexdigest()}"
        self._log = log
        self._known: set[str] | None = None
        self._writable = True
        self.reused = 0
        self.written = 0

    def get(self, key: str) -> bytes | None:
        """Return what was kept under a key; None if nothing sound was.

        What an attempt beside this one writes after the first call may not be
        seen.
        """
        if self._known is None:
            self._known = self._listed()
        place = self._place(key)
        if place not in self._known:
            return None
        try:
            with self._store.open(place) as file:
                stored = file.read()
        except ObjectMissing:
            return None
        except (StoreError, OSError) as error:
            self._log.warning("checkpoint_unreadable", error_type=type(error).__name__)
            return None
        data = stored[_DIGEST_BYTES:]
        if stored[:_DIGEST_BYTES] != _digest(place, data):
            self._log.warning("checkpoint_damaged", checkpoint=key)
            return None
        self.reused += 1
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep a finished part. Not being able to is told of once, and no failure."""
        if not self._writable:
            return
        place = self._place(key)
        try:
            # Not durable: what a power cut damages is found out and made anew.
            self._store.write(place, [_digest(place, data), data], durable=False)
        except (StoreError, OSError) as error:
            self._writable = False
            self._log.warning("checkpoints_not_kept", error_type=type(error).__name__)
            return
        self.written += 1

    def _place(self, key: str) -> str:
        return f"{self._prefix}/{key}"

    def _listed(self) -> set[str]:
        try:
            return {key for key, _ in self._store.keys(self._prefix)}
        except (StoreError, OSError) as error:
            self._log.warning("checkpoint_unreadable", error_type=type(error).__name__)
            return set()


def _digest(place: str, data: bytes) -> bytes:
    # With the place, so that a sound checkpoint in another's place is none.
    return hashlib.sha256(place.encode() + b"\0" + data).digest()
