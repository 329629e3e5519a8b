"""Runs a worker: one parent that consumes and announces, and children that do the work."""

from collections.abc import Sequence

from babelmill.kit.worker.definition import WorkerDefinition

__all__ = ["WorkerDefinition", "run_worker"]


def run_worker(definition_path: str, argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; give the process's exit code."""
    raise NotImplementedError
