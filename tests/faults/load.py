"""Jobs that come in all the time, from a thread of their own, while something breaks."""

import threading
import time
from types import TracebackType

from tests.deadlines import eventually
from tests.faults.history import RecordingClient
from tests.faults.workloads import text_spec


class Load:
    """Submits short texts one after the other until the block ends.

    Each is repeated with its key until it is acknowledged, as a careful client does.
    """

    def __init__(self, client: RecordingClient, *, pause_seconds: float = 0.1) -> None:
        self.job_ids: list[str] = []
        self._client = client
        self._pause_seconds = pause_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join(90)
        assert error is not None or not self._thread.is_alive(), "a job is not accepted"

    def wait_for(self, count: int, timeout_seconds: float = 60) -> float:
        """Return when so many more jobs are accepted; tell how many seconds that took."""
        started_at = time.monotonic()
        goal = len(self.job_ids) + count
        eventually(lambda: len(self.job_ids) >= goal, timeout_seconds=timeout_seconds)
        return time.monotonic() - started_at

    def _run(self) -> None:
        number = 0
        while not self._stopped.wait(self._pause_seconds):
            number += 1
            self.job_ids.append(self._client.submit(text_spec(f"Parcel {number} is here.")))
