"""Tells the job service, again and again, what this worker can do.

Runs as a thread of the parent and uses a channel of its own. The service may
be away at any time, also at the start: the worker runs on, and tries again.
"""

import threading
from collections.abc import Callable

import grpc

from babelmill.jobs.v1 import worker_service_pb2, worker_service_pb2_grpc
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.trace_headers import without_tracing

_DEFAULT_INTERVAL_SECONDS = 60.0
_SHORTEST_INTERVAL_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.5
_LARGEST_PAUSE_SECONDS = 10.0
_CALL_SECONDS = 5.0

_log = get_logger(__name__)


class Announcer:
    """The announcing thread; `describe` is called in it until it succeeds once."""

    def __init__(
        self,
        channel: grpc.Channel,
        describe: Callable[[], worker_service_pb2.AnnounceWorkerRequest],
    ) -> None:
        self._service = worker_service_pb2_grpc.WorkerServiceStub(channel)
        self._describe = describe
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop announcing."""
        self._ended.set()

    def _run(self) -> None:
        pause_seconds, announced = _FIRST_PAUSE_SECONDS, False
        request: worker_service_pb2.AnnounceWorkerRequest | None = None
        while not self._ended.is_set():
            try:
                request = request or self._describe()
                with without_tracing():
                    response = self._service.AnnounceWorker(request, timeout=_CALL_SECONDS)
            except grpc.RpcError as error:
                if announced or pause_seconds == _FIRST_PAUSE_SECONDS:
                    _log.warning("announce_failed", code=error.code().name)
                announced = False
            except Exception as error:  # noqa: BLE001 - the worker's own code; the thread must live
                _log.error("describe_broke", exc_info=error)
            else:
                if not announced:
                    _log.info("announced")
                announced, pause_seconds = True, _FIRST_PAUSE_SECONDS
                self._ended.wait(_interval_seconds(response))
                continue
            self._ended.wait(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LARGEST_PAUSE_SECONDS)


def _interval_seconds(response: worker_service_pb2.AnnounceWorkerResponse) -> float:
    asked = response.announce_interval.ToMilliseconds() / 1000
    return max(asked, _SHORTEST_INTERVAL_SECONDS) if asked else _DEFAULT_INTERVAL_SECONDS
