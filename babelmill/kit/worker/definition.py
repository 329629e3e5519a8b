"""What makes a worker: its name, its queues, its handlers, and what it announces."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.settings import WorkerSettings


class BadDefinition(Exception):
    """The path does not lead to a WorkerDefinition."""


@dataclass(frozen=True, slots=True)
class WorkerDefinition:
    """A kind of worker.

    `handlers` is called once in each child process and gives a handler for
    each field name of Work's oneof. `describe` is called in the parent, which
    fills in worker_id and service; it must not load what only handlers need.
    Of messages of one priority those of the family named first come first.
    """

    service: str
    queue_families: tuple[str, ...]
    # Any: each takes its own subclass of WorkerSettings, which `settings` names.
    handlers: Callable[[Any], Mapping[str, StepHandler]]
    describe: Callable[[Any], worker_service_pb2.AnnounceWorkerRequest]
    settings: type[WorkerSettings]


def load_definition(path: str) -> WorkerDefinition:
    """Import what a path like "translation_worker.app:DEFINITION" names. Raises BadDefinition."""
    module_name, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadDefinition(f"cannot import {path!r}") from error
    if not isinstance(found, WorkerDefinition):
        raise BadDefinition(f"{path!r} is not a WorkerDefinition")
    return found
