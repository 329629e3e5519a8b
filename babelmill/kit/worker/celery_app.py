"""The Celery application of a worker: one task, and settings for safe delivery.

The broker is a hint and the job service the truth: a message lost or doubled
here costs time, never a job. So there are no results, no ETA, no Celery
retries, no revokes; a step's message is acknowledged when its attempt has
been reported.

Children are spawned, never forked: gRPC channels, engines and telemetry do
not survive a fork. A spawned child gets this application pickled, which is
why it carries the few plain facts that a child starts from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import celery
from celery import signals
from kombu.entity import Exchange, Queue

from babelmill.kit.wire.step_message import PRIORITIES, TASK_NAME, queue_name

# Redelivery after this time is the last resort: the job service republishes
# an unclaimed step long before. It must be longer than any step may take, or
# the broker hands a running step to a second worker, again and again.
VISIBILITY_TIMEOUT_SECONDS = 24 * 3600
_SOCKET_TIMEOUT_SECONDS = 5
_SILENCE_SECONDS = 10
_CHILD_START_SECONDS = 300
_KIB = 1024
_TRANSPORT = "babelmill.kit.worker.redis_transport:Transport"


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """What a spawned child must know before it can read anything else."""

    definition_path: str
    worker_id: str
    parent_pid: int
    scratch: str


class RunStep(celery.Task):  # type: ignore[misc]  # celery is published without types
    """Celery's callable: hands the message to the child's shell."""

    name = TASK_NAME
    typing = False
    ignore_result = True
    acks_late = True
    reject_on_worker_lost = True

    def run(self, *args: object, **kwargs: object) -> None:
        """Run one attempt; a message that cannot be used is dropped."""
        del args
        from babelmill.kit.worker.child import run_in_child

        run_in_child(self.request, kwargs)


class WorkerApp(celery.Celery):  # type: ignore[misc]  # celery is published without types
    """The application, in the parent and, unpickled, in each child."""

    # Any: celery's own options, passed through.
    def __init__(self, *args: Any, facts: ChildFacts, **kwargs: Any) -> None:
        self.facts = facts
        super().__init__(*args, **kwargs)
        self.register_task(RunStep())
        signals.setup_logging.connect(_keep_logging, weak=False)
        signals.worker_process_init.connect(self._start_child, weak=False)
        signals.worker_process_shutdown.connect(_end_child, weak=False)

    def __reduce_keys__(self) -> dict[str, Any]:
        """Carry the facts into the child."""
        return {**super().__reduce_keys__(), "facts": self.facts}

    def _start_child(self, **_: object) -> None:
        from babelmill.kit.worker.child import start_child

        start_child(self.facts)


def worker_app(
    facts: ChildFacts,
    *,
    redis_url: str,
    queue_families: Sequence[str],
    concurrency: int,
    max_memory_bytes: int,
    priorities: Sequence[str] = PRIORITIES,
) -> WorkerApp:
    """Make the parent's application. Connects to nothing yet."""
    app = WorkerApp(facts.worker_id, facts=facts)
    names = [queue_name(family, priority) for priority in priorities for family in queue_families]
    app.conf.update(_settings(redis_url, names, concurrency))
    app.conf.worker_max_memory_per_child = max_memory_bytes // _KIB
    return app


def _settings(redis_url: str, names: Sequence[str], concurrency: int) -> Mapping[str, object]:
    # The anonymous exchange routes by queue name alone: there is no binding
    # table in Redis that a flush could lose.
    nowhere = Exchange("", type="direct")  # type: ignore[no-untyped-call]  # kombu is half typed
    queues = [
        Queue(name, nowhere, routing_key=name)  # type: ignore[no-untyped-call]  # kombu is half typed
        for name in names
    ]
    return {
        "broker_url": redis_url,
        "broker_transport": _TRANSPORT,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # One list a queue, read in the order given: urgent first, always.
            "queue_order_strategy": "priority",
            "priority_steps": [0],
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": _SOCKET_TIMEOUT_SECONDS,
            "socket_connect_timeout": _SOCKET_TIMEOUT_SECONDS,
            "socket_keepalive": True,
            # A connection whose other end has gone without a word is noticed
            # when a read that the server should have ended is this late.
            "health_check_interval": _SILENCE_SECONDS,
        },
        "task_queues": queues,
        "task_default_queue": names[0],
        "task_create_missing_queues": False,
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_enable_prefetch_count_reduction": False,
        "worker_pool": "prefork",
        "worker_pool_start_method": "spawn",
        "worker_proc_alive_timeout": float(_CHILD_START_SECONDS),
        "worker_concurrency": concurrency,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Events let Flower watch; remote control would let anyone who can
        # write to the broker stop a worker.
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_deduplicate_successful_tasks": False,
        "enable_utc": True,
    }


def _keep_logging(**_: object) -> None:
    # A receiver of this signal keeps celery from setting up its own logging.
    return


def _end_child(**_: object) -> None:
    from babelmill.kit.worker.child import end_child

    end_child()
