"""The gateway, used as a program would: calls that are recorded, and streams that resume.

It speaks plain HTTP, so that the gateway's own promises are judged: the same
job for the same key, and events by `Last-Event-ID` without a gap.
"""

import json
import queue
import threading
import time
from collections.abc import Sequence

import httpx
from google.protobuf.json_format import MessageToDict

from babelmill.client.errors import FailedPrecondition, ResourceExhausted, Unavailable
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from tests.faults.history import Call, History, Outcome
from tests.faults.watchers import Watched

_TIMEOUT_SECONDS = 10


class HttpCustomer:
    """Records what it asks and learns. Refusals and silence are the client library's errors."""

    def __init__(self, url: str, token: str, history: History) -> None:
        self._history = history
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def send(self, request: job_service_pb2.CreateJobRequest) -> str:
        """Submit once; return the job_id."""
        (job,) = self._post("/v1/jobs", "create", [request.request_id], _body(request))
        return str(job["job_id"])

    def send_many(self, batch: Sequence[job_service_pb2.CreateJobRequest]) -> list[str]:
        """Submit together; return the job_ids."""
        keys = [request.request_id for request in batch]
        body = {"requests": [_body(request) for request in batch]}
        return [str(job["job_id"]) for job in self._post("/v1/jobs:batch", "create", keys, body)]

    def cancel(self, job_id: str) -> None:
        """Ask once for a job to be stopped."""
        self._post(f"/v1/jobs/{job_id}/cancel", "cancel", [job_id], None)

    def _post(
        self, path: str, method: str, keys: Sequence[str], body: object
    ) -> list[dict[str, object]]:
        started_at = time.monotonic()
        jobs: list[dict[str, object]] = []
        outcome, code, wait = Outcome.INDETERMINATE, "", None
        try:
            answer = self._http.post(path, json=body)
            code = str(answer.status_code)
            if answer.is_success:
                said = answer.json()
                jobs = (
                    [each["job"] for each in said["responses"]] if "responses" in said else [said]
                )
                outcome = Outcome.OK
            elif answer.is_client_error and answer.status_code != httpx.codes.REQUEST_TIMEOUT:
                outcome = Outcome.FAIL
                code += f" {answer.json().get('reason', '')}"
                wait = answer.headers.get("Retry-After")
        except (httpx.TransportError, httpx.RemoteProtocolError) as error:
            code = type(error).__name__
        ended_at = time.monotonic()
        for index, key in enumerate(keys):
            job_id = str(jobs[index]["job_id"]) if jobs else ""
            state = str(jobs[index]["state"]).upper() if jobs else ""
            self._history.add(Call(method, key, started_at, ended_at, outcome, code, job_id, state))
        if outcome is Outcome.INDETERMINATE:
            raise Unavailable(code)
        if outcome is Outcome.FAIL:
            raise ResourceExhausted(code) if wait else FailedPrecondition(code)
        return jobs


class SseFollower:
    """Follows jobs one after the other, each from its first event to its last."""

    def __init__(self, url: str, token: str) -> None:
        self.watched: list[Watched] = []
        self._jobs: queue.SimpleQueue[Watched | None] = queue.SimpleQueue()
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(_TIMEOUT_SECONDS, read=60),
            trust_env=False,
        )
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)
        self._thread.start()

    def watch(self, job_id: str) -> list[Watched]:
        watched = Watched(job_id)
        self.watched.append(watched)
        self._jobs.put(watched)
        return [watched]

    def close(self) -> None:
        """End after the job that it follows now; wait for that only a little."""
        self._jobs.put(None)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._http.close()

    def _run(self) -> None:
        while (watched := self._jobs.get()) is not None:
            self._follow(watched)

    def _follow(self, watched: Watched) -> None:
        tries = 0
        while True:
            before = watched.messages
            try:
                code = self._read(watched)
            except httpx.HTTPError as error:
                code = type(error).__name__
            if watched.finished:
                return
            watched.breaks.append((code, ""))
            if watched.messages > before:
                watched.broken_at.append(time.monotonic())
                tries = 0
            tries += 1
            time.sleep(min(2.0, 0.05 * 2**tries))

    def _read(self, watched: Watched) -> str:
        path = f"/v1/jobs/{watched.job_id}/events"
        headers = {"Last-Event-ID": str(watched.last)}
        with self._http.stream("GET", path, headers=headers) as answer:
            if answer.status_code == httpx.codes.NO_CONTENT:
                watched.finished = True
            if answer.status_code != httpx.codes.OK:
                return str(answer.status_code)
            event_id, name = "", ""
            for line in answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    event_id = value
                elif field == "event":
                    name = value
                elif not line and name:
                    watched.messages += 1
                    if len(watched.resumed_at) < len(watched.broken_at):
                        watched.resumed_at.append(time.monotonic())
                    if event_id:
                        watched.sequences.append(int(event_id))
                    if name == "end":
                        watched.finished = True
                        return "END"
                    event_id = name = ""
        return "EOF"


def _body(request: job_service_pb2.CreateJobRequest) -> dict[str, object]:
    body: dict[str, object] = json.loads(
        json.dumps(MessageToDict(request, preserving_proto_field_name=True))
    )
    word = job_pb2.Priority.Name(request.priority).removeprefix("PRIORITY_").lower()
    return {**body, "priority": word}
