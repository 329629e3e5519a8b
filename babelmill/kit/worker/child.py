"""A worker's child process: what is built in it, once, and how it is told to stop.

Everything that has threads, sockets or models is made here and never in the
parent, which only passes on a few facts.
"""

import os
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from celery.exceptions import Reject

from babelmill.jobs.v1 import worker_service_pb2_grpc
from babelmill.kit.artifacts.opening import open_store
from babelmill.kit.process.lifecycle import die_with_parent
from babelmill.kit.process.logs import configure_logging, get_logger
from babelmill.kit.process.settings import load_settings
from babelmill.kit.process.telemetry import start_telemetry
from babelmill.kit.wire.channels import open_channel
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.wire.step_message import TRACEPARENT_HEADER, MalformedMessage, StepMessage
from babelmill.kit.worker.cancellation import StopReason
from babelmill.kit.worker.celery_app import ChildFacts
from babelmill.kit.worker.child_signals import watch_signals
from babelmill.kit.worker.definition import load_definition
from babelmill.kit.worker.handler import StepHandler
from babelmill.kit.worker.heartbeats import Heartbeats, HeldLease
from babelmill.kit.worker.memory import measure_present_memory
from babelmill.kit.worker.outcome import StepFailure
from babelmill.kit.worker.reporting import LeaseReporter, ServiceAway
from babelmill.kit.worker.shell import Shell
from babelmill.kit.worker.watch_record import IDLE, WatchRecord, WatchWriter

_FLUSH_SECONDS = 1.0
_EXIT_STUCK = 70  # EX_SOFTWARE of sysexits(3)

_log = get_logger(__name__)


class Child:
    """All that one child process holds."""

    def __init__(self, facts: ChildFacts) -> None:
        self._definition = load_definition(facts.definition_path)
        self._settings = load_settings(self._definition.settings)
        configure_logging(self._definition.service, self._settings.log_level)
        self._telemetry = start_telemetry(self._definition.service, self._settings.otlp_endpoint)
        self._handlers: Mapping[str, StepHandler] | None = None
        measure_present_memory(self._settings.max_memory_bytes)
        self._stopping = threading.Event()
        self._watch = WatchWriter(Path(facts.scratch))
        self._pulse = 0
        self._channel = open_channel(
            self._settings.worker_grpc,
            self._settings.worker_token.get_secret_value(),
            service=self._definition.service,
            tls=self._settings.tls_to_job_service(),
        )
        service = worker_service_pb2_grpc.WorkerServiceStub(self._channel)
        self._reporter = LeaseReporter(service, worker_id=facts.worker_id, stopping=self._stopping)
        self._heartbeats = Heartbeats(
            service,
            worker_id=facts.worker_id,
            interval_seconds=self._settings.heartbeat_seconds,
            stop_grace_seconds=self._settings.stop_grace_seconds,
            on_change=self._write_watch,
        )
        self._shell = Shell(
            reporter=self._reporter,
            heartbeats=self._heartbeats,
            handlers=self._loaded_handlers,
            store=open_store(self._settings.artifacts),
            scratch=Path(facts.scratch),
            stopping=self._stopping.is_set,
        )

    def start(self) -> None:
        """Start the threads, and load the handlers before there is work for them."""
        self._heartbeats.start()
        watch_signals(self._hand_over, self._heartbeats.beat_now)
        try:
            self._loaded_handlers()
        except StepFailure:
            # Told of already; the first step tries again and reports what it finds.
            return

    def run(self, kwargs: Mapping[str, object], traceparent: str) -> None:
        """Run one attempt. Raises ServiceAway, MalformedMessage."""
        message = StepMessage.from_kwargs(kwargs)
        try:
            self._shell.run(message, traceparent)
        finally:
            self._telemetry.force_flush(_FLUSH_SECONDS)

    def end(self) -> None:
        """Let go of everything, for at most a few seconds."""
        self._heartbeats.end()
        self._channel.close()
        self._telemetry.shutdown()

    def _loaded_handlers(self) -> Mapping[str, StepHandler]:
        if self._handlers is None:
            try:
                self._handlers = self._definition.handlers(self._settings)
            except Exception as error:
                _log.error("handlers_not_loaded", exc_info=error)
                raise StepFailure(FailureReason.ENGINE_UNAVAILABLE) from error
        return self._handlers

    def _hand_over(self) -> None:
        self._stopping.set()
        self._heartbeats.request_stop(StopReason.SHUTDOWN)

    def _write_watch(self, held: Collection[HeldLease]) -> None:
        self._pulse += 1
        grace_seconds = self._settings.stop_grace_seconds
        record = next((_record(lease, grace_seconds, self._pulse) for lease in held), IDLE)
        try:
            self._watch.write(record)
        except OSError as error:
            _log.warning("watch_not_written", error_type=type(error).__name__)


def _record(held: HeldLease, grace_seconds: float, pulse: int) -> WatchRecord:
    """Say what the parent must know; a process holds one lease at a time."""
    kill_at = None
    if not held.handler_ended:
        # Known from the start, for a handler that lets no other thread run.
        kill_at = held.deadline + grace_seconds if held.stop_by is None else held.stop_by
    return WatchRecord(
        job_id=held.job_id,
        step_id=held.ref.step_id,
        generation=held.ref.generation,
        lease_id=held.ref.lease_id,
        ttl_seconds=held.ttl_seconds,
        kill_at=kill_at,
        stop_reason=held.token.reason or "",
        pulse=pulse,
    )


_child: Child | None = None


def start_child(facts: ChildFacts) -> None:
    """Build this process's child. A process that cannot is ended."""
    global _child  # noqa: PLW0603 - celery calls plain functions in the child
    try:
        die_with_parent(parent_pid=facts.parent_pid)
        # What this process starts can then be told from what its parent has started.
        os.setsid()
        _child = Child(facts)
        _child.start()
    except BaseException as error:  # noqa: BLE001 - ends the process whatever it was
        _log.error("child_not_started", exc_info=error)
        # celery would go on with a child that can do nothing.
        os._exit(_EXIT_STUCK)


def end_child() -> None:
    """Let go of what this process holds."""
    if _child is not None:
        _child.end()


# Any: celery's request is published without types.
def run_in_child(request: Any, kwargs: Mapping[str, object]) -> None:
    """Run one message. Raises Reject to give it back to the queue."""
    if _child is None:
        raise Reject("the child has not started", requeue=True)
    headers = request.headers or {}
    traceparent = headers.get(TRACEPARENT_HEADER)
    try:
        _child.run(kwargs, traceparent if isinstance(traceparent, str) else "")
    except MalformedMessage as error:
        _log.warning("malformed_message_dropped", problem=str(error))
    except ServiceAway:
        raise Reject("the job service is away", requeue=True) from None
