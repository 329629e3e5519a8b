"""What clients did and were told: the only evidence that a promise was made.

Every call ends as OK (the service said yes), FAIL (it said no, so nothing
may have happened) or INDETERMINATE (no answer came: it may have happened or
not). The checker compares this with the database.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from babelmill.client import BabelmillError, CallPolicy, Client, requests
from babelmill.client.errors import (
    Aborted,
    CallCancelled,
    DeadlineExceeded,
    Internal,
    Unavailable,
    Unknown,
)
from babelmill.client.resumption import ResumePolicy
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from tests.deadlines import eventually

T = TypeVar("T")

NO_ANSWER = (Unavailable, DeadlineExceeded, CallCancelled, Internal, Unknown, Aborted)


class Outcome(StrEnum):
    """What the caller knows afterwards."""

    OK = "ok"
    FAIL = "fail"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True)
class Call:
    """One call, from its start to what its caller learnt. Times are on the monotonic clock."""

    method: str
    key: str
    started_at: float
    ended_at: float
    outcome: Outcome
    code: str = ""
    job_id: str = ""
    state: str = ""


class History:
    """Collects calls from any thread."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def calls(self, method: str | None = None) -> list[Call]:
        with self._lock:
            return [call for call in self._calls if method in {None, call.method}]

    def accepted(self) -> dict[str, str]:
        """The acknowledged jobs: job_id by request_id, the first answer counting."""
        found: dict[str, str] = {}
        for call in self.calls("create"):
            if call.outcome is Outcome.OK:
                found.setdefault(call.key, call.job_id)
        return found

    def write(self, path: Path) -> None:
        """Keep it as JSON lines, to be checked again another day."""
        path.write_text("".join(json.dumps(asdict(call)) + "\n" for call in self.calls()))


class RecordingClient:
    """A real client whose every call is recorded; it repeats nothing by itself.

    `create` and `cancel` make one call; `submit` repeats until acknowledged,
    with one request_id, as a careful user does.
    """

    def __init__(
        self, address: str, token: str, history: History, *, call_seconds: float = 10
    ) -> None:
        self.history = history
        impatient = ResumePolicy(patience_seconds=0)
        self.client = Client(
            address, token, policy=CallPolicy(call_seconds=call_seconds, submit=impatient)
        )

    def close(self) -> None:
        self.client.close()

    def create(self, spec: job_pb2.JobSpec, key: str = "") -> str:
        """Submit once; return the job_id. Raises BabelmillError."""
        return self.send(requests.job_request(spec, request_id=key or str(uuid.uuid4())))

    def send(self, request: job_service_pb2.CreateJobRequest) -> str:
        """Submit a request as it is, once; return the job_id. Raises BabelmillError."""
        key = request.request_id
        return self._record("create", key, lambda: self.client.submit(request).job).job_id

    def submit(self, spec: job_pb2.JobSpec, key: str = "", *, timeout_seconds: float = 60) -> str:
        """Submit until it is acknowledged; return the job_id."""
        key = key or str(uuid.uuid4())

        def try_it() -> str:
            try:
                return self.create(spec, key)
            except NO_ANSWER:
                return ""

        return eventually(try_it, timeout_seconds=timeout_seconds, interval_seconds=0.2)

    def submit_many(
        self, specs: list[job_pb2.JobSpec], *, timeout_seconds: float = 60
    ) -> list[str]:
        """Submit several in one batch call, repeated until it is acknowledged."""
        batch = [requests.job_request(spec, request_id=str(uuid.uuid4())) for spec in specs]

        def try_it() -> list[str]:
            try:
                return self.send_many(batch)
            except NO_ANSWER:
                return []

        return eventually(try_it, timeout_seconds=timeout_seconds, interval_seconds=0.2)

    def cancel(self, job_id: str) -> job_pb2.Job:
        """Ask once for a job to be stopped. Raises BabelmillError."""
        return self._record("cancel", job_id, lambda: self.client.cancel_job(job_id))

    def get(self, job_id: str) -> job_pb2.Job:
        """Read a job. Raises BabelmillError."""
        return self._record("get", job_id, lambda: self.client.get_job(job_id))

    def send_many(self, batch: Sequence[job_service_pb2.CreateJobRequest]) -> list[str]:
        """Submit requests as they are, in one batch call. Raises BabelmillError."""
        started_at = time.monotonic()
        outcome, code, jobs = Outcome.OK, "", []
        try:
            jobs = self.client.create_jobs(batch)
        except BabelmillError as error:
            outcome, code = _judge(error)
            raise
        finally:
            ended_at = time.monotonic()
            for index, request in enumerate(batch):
                job_id = jobs[index].job_id if jobs else ""
                self.history.add(
                    Call(
                        "create",
                        request.request_id,
                        started_at,
                        ended_at,
                        outcome,
                        code,
                        job_id,
                    )
                )
        return [job.job_id for job in jobs]

    def _record(self, method: str, key: str, call: Callable[[], job_pb2.Job]) -> job_pb2.Job:
        started_at = time.monotonic()
        try:
            job = call()
        except BabelmillError as error:
            outcome, code = _judge(error)
            self.history.add(Call(method, key, started_at, time.monotonic(), outcome, code))
            raise
        state = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
        self.history.add(
            Call(method, key, started_at, time.monotonic(), Outcome.OK, "OK", job.job_id, state)
        )
        return job


def _judge(error: BabelmillError) -> tuple[Outcome, str]:
    unsure = isinstance(error, NO_ANSWER)
    return (Outcome.INDETERMINATE if unsure else Outcome.FAIL), type(error).__name__
