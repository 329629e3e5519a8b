"""The requests that are compared: each kind sends one and hands back raw bytes.

Answers are taken apart after the measurement, so that parsing costs the
server beside it nothing. Every client has a connection of its own.
"""

import json
from typing import Protocol
from uuid import uuid4

import grpc

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.translation.v1 import translation_pb2
from bench.loads.http_connection import BadAnswer, HttpConnection, post

TEXT = "The mill grinds slowly, but what it takes in it gives back."
SOURCE_LANGUAGE = "en"
TARGET_LANGUAGE = "pt"
CALL_TIMEOUT_SECONDS = 30.0
# A connection of its own for each client: gRPC would share one between equals.
CHANNEL_OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))


class Refused(Exception):
    """The server did not accept; the text says how, without content."""


class Submitter(Protocol):
    """One client of one kind."""

    jobs_per_request: int

    async def open(self) -> None:
        """Connect."""

    async def submit(self) -> bytes:
        """Send one request; return the raw answer. Raises Refused."""

    def job_ids(self, answer: bytes) -> list[str]:
        """Read the accepted ids out of an answer."""

    async def close(self) -> None:
        """Disconnect."""


class GrpcSubmitter:
    """CreateJob, or BatchCreateJobs when there is more than one job a request."""

    def __init__(self, address: str, token: str, jobs_per_request: int) -> None:
        self.jobs_per_request = jobs_per_request
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._channel = grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
        name = "CreateJob" if jobs_per_request == 1 else "BatchCreateJobs"
        # Without serializers bytes go in and come out.
        self._call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            f"/babelmill.jobs.v1.JobService/{name}"
        )

    async def open(self) -> None:
        await self._channel.channel_ready()

    async def submit(self) -> bytes:
        requests = [create_request() for _ in range(self.jobs_per_request)]
        message = (
            requests[0]
            if self.jobs_per_request == 1
            else job_service_pb2.BatchCreateJobsRequest(requests=requests)
        )
        try:
            answer = await self._call(
                message.SerializeToString(), metadata=self._metadata, timeout=CALL_TIMEOUT_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            raise Refused(error.code().name) from None
        return answer

    def job_ids(self, answer: bytes) -> list[str]:
        if self.jobs_per_request == 1:
            return [job_service_pb2.CreateJobResponse.FromString(answer).job.job_id]
        batch = job_service_pb2.BatchCreateJobsResponse.FromString(answer)
        return [each.job.job_id for each in batch.responses]

    async def close(self) -> None:
        await self._channel.close()


class HttpSubmitter:
    """A POST whose answer is JSON; subclasses know the body and where the id is."""

    jobs_per_request = 1
    token = ""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._host, self._path = f"{host}:{port}", path
        self._connection = HttpConnection(host, port)

    def body(self) -> dict[str, object]:
        """Return the request's body."""
        raise NotImplementedError

    def id_of(self, answer: dict[str, object]) -> str:
        """Return the accepted id."""
        raise NotImplementedError

    async def open(self) -> None:
        await self._connection.open()

    async def submit(self) -> bytes:
        message = post(self._path, self._host, json.dumps(self.body()).encode(), self.token)
        try:
            status, answer = await self._connection.request(message)
        except (OSError, EOFError, BadAnswer) as error:
            await self._connection.close()
            raise Refused(type(error).__name__) from None
        if status not in {200, 201, 202}:
            raise Refused(f"HTTP {status}")
        return answer

    def job_ids(self, answer: bytes) -> list[str]:
        return [self.id_of(json.loads(answer))]

    async def close(self) -> None:
        await self._connection.close()


class GatewaySubmitter(HttpSubmitter):
    """Babelmill's POST /v1/jobs."""

    def __init__(self, host: str, port: int, token: str) -> None:
        super().__init__(host, port, "/v1/jobs")
        self.token = token

    def body(self) -> dict[str, object]:
        return {"spec": {"translate_text": _text_spec()}, "request_id": uuid4().hex}

    def id_of(self, answer: dict[str, object]) -> str:
        return str(answer["job_id"])


class PeerSubmitter(HttpSubmitter):
    """A POST to a route of bench.peers.submit_app."""

    def body(self) -> dict[str, object]:
        return _text_spec()

    def id_of(self, answer: dict[str, object]) -> str:
        return str(answer["id"])


def _text_spec() -> dict[str, object]:
    return {
        "text": TEXT,
        "source_language": SOURCE_LANGUAGE,
        "target_languages": [TARGET_LANGUAGE],
    }


def create_request() -> job_service_pb2.CreateJobRequest:
    """Build a request that no other equals."""
    # A request_id each, as the client library sends: the idempotent way is the usual one.
    return job_service_pb2.CreateJobRequest(
        spec=job_pb2.JobSpec(
            translate_text=translation_pb2.TranslateTextSpec(
                text=TEXT, source_language=SOURCE_LANGUAGE, target_languages=[TARGET_LANGUAGE]
            )
        ),
        request_id=uuid4().hex,
    )
