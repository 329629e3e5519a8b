"""Runs a worker: one parent that consumes and announces, and children that do the work.

The parent loads no engine and makes no span; it holds the broker connection
and must answer it at all times. Each child is a fresh interpreter that
imports the worker's definition by its path.
"""

import argparse
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import grpc
from celery.apps.worker import Worker as CeleryWorker
from celery.worker import state as celery_state

from babelmill.jobs.v1 import worker_service_pb2, worker_service_pb2_grpc
from babelmill.kit.artifacts.opening import open_store
from babelmill.kit.artifacts.store import StoreError
from babelmill.kit.process.lifecycle import adopt_orphans
from babelmill.kit.process.logs import configure_logging, get_logger
from babelmill.kit.process.settings import EXIT_CONFIG, load_settings
from babelmill.kit.wire.channels import open_channel
from babelmill.kit.worker.announcing import Announcer
from babelmill.kit.worker.cancel_hints import CancelHints
from babelmill.kit.worker.celery_app import ChildFacts, worker_app
from babelmill.kit.worker.celery_logs import hide_root_warning, route_celery_logs
from babelmill.kit.worker.definition import WorkerDefinition, load_definition
from babelmill.kit.worker.draining import Drain
from babelmill.kit.worker.reaping import reap_helpers
from babelmill.kit.worker.reporting import LeaseReporter
from babelmill.kit.worker.scratch import WorkerScratch
from babelmill.kit.worker.settings import WorkerSettings
from babelmill.kit.worker.supervision import Supervisor

__all__ = ["WorkerDefinition", "run_worker"]

_log = get_logger(__name__)


class _Parent(CeleryWorker):  # type: ignore[misc]  # celery is published without types
    """Celery's worker with our way to stop."""

    drain_seconds = 0.0
    stop_grace_seconds = 0.0

    def install_platform_tweaks(self, worker: object) -> None:
        """Take the stop signals instead of celery's handlers."""
        del worker
        Drain(
            stop_consuming=_stop_consuming,
            child_pids=self.child_pids,
            drain_seconds=self.drain_seconds,
            stop_grace_seconds=self.stop_grace_seconds,
        ).install()

    def child_pids(self) -> list[int]:
        """Give the process ids of the children that the pool has now."""
        pool = getattr(self.pool, "_pool", None)
        processes = list(getattr(pool, "_pool", None) or [])
        return [process.pid for process in processes if process.pid is not None]


def run_worker(definition_path: str, argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; give the process's exit code.

    `definition_path` names a WorkerDefinition as "module:NAME". Everything
    else comes from the environment.
    """
    definition = load_definition(definition_path)
    argparse.ArgumentParser(
        prog=definition.service, description="All settings come from BABELMILL_* variables."
    ).parse_args(list(argv or ()))
    settings = load_settings(definition.settings)
    configure_logging(definition.service, settings.log_level)
    strange = set(settings.queue_families) - set(definition.queue_families)
    if strange:
        _log.error("queue_families_not_served", families=sorted(strange))
        return EXIT_CONFIG
    try:
        open_store(settings.artifacts)
        scratch = WorkerScratch(settings.scratch)
    except (ValueError, StoreError, OSError) as error:
        _log.error("worker_not_started", exc_info=error)
        return EXIT_CONFIG
    worker_id = f"{definition.service}@{socket.gethostname()}:{os.getpid()}"
    facts = ChildFacts(definition_path, worker_id, os.getpid(), str(scratch.path))
    channel = open_channel(
        settings.worker_grpc,
        settings.worker_token.get_secret_value(),
        service=definition.service,
        tls=settings.tls_to_job_service(),
    )
    announcer = Announcer(channel, lambda: _describe(definition, settings, worker_id))
    try:
        announcer.start()
        return _consume(definition, settings, facts, channel)
    finally:
        announcer.end()
        channel.close()
        scratch.remove()
        reap_helpers()
        _log.info("worker_stopped")


def _consume(
    definition: WorkerDefinition,
    settings: WorkerSettings,
    facts: ChildFacts,
    channel: grpc.Channel,
) -> int:
    app = worker_app(
        facts,
        redis_url=settings.redis_url.get_secret_value(),
        queue_families=settings.queue_families or definition.queue_families,
        concurrency=settings.concurrency,
        priorities=settings.priorities,
        max_memory_bytes=settings.max_memory_bytes,
    )
    hide_root_warning()
    worker = _Parent(
        app=app,
        hostname=f"{definition.service}-{os.getpid()}@{socket.gethostname()}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        loglevel=settings.log_level.upper(),
    )
    route_celery_logs()
    worker.drain_seconds = settings.drain_seconds
    worker.stop_grace_seconds = settings.stop_grace_seconds
    supervisor = Supervisor(
        scratch=Path(facts.scratch),
        reporter=LeaseReporter(
            worker_service_pb2_grpc.WorkerServiceStub(channel),
            worker_id=facts.worker_id,
            stopping=threading.Event(),
        ),
        child_pids=worker.child_pids,
        stop_grace_seconds=settings.stop_grace_seconds,
    )
    hints = CancelHints(settings.redis_url.get_secret_value(), scratch=Path(facts.scratch))
    adopt_orphans()
    supervisor.start()
    hints.start()
    _log.info(
        "worker_starting",
        worker_id=facts.worker_id,
        concurrency=settings.concurrency,
        priorities=settings.priorities,
    )
    try:
        worker.start()
    finally:
        hints.end()
        supervisor.end()
    return int(worker.exitcode or 0)


def _stop_consuming() -> None:
    celery_state.should_stop = 0


def _describe(
    definition: WorkerDefinition, settings: WorkerSettings, worker_id: str
) -> worker_service_pb2.AnnounceWorkerRequest:
    request = worker_service_pb2.AnnounceWorkerRequest()
    request.CopyFrom(definition.describe(settings))
    request.worker_id, request.service = worker_id, definition.service
    return request
