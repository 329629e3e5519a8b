"""Speaks a worker's side of the contract, and does no work.

So that what the job service adds can be measured without an engine's time:
it takes the broker's message as a worker does, and reports when told.
"""

import base64
import hashlib
import json
import uuid

import grpc
from redis.asyncio import Redis

from babelmill.jobs.v1 import (
    artifact_pb2,
    lease_pb2,
    progress_pb2,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from babelmill.kit.wire.step_message import StepMessage, queue_name
from babelmill.translation.v1 import translation_pb2
from bench.loads.submitters import SOURCE_LANGUAGE, TARGET_LANGUAGE

CALL_TIMEOUT_SECONDS = 30.0
QUEUE = queue_name("translation", "normal")


class NoMessage(Exception):
    """The step's message did not come to the broker in time."""


class LeaseRefused(Exception):
    """The job service did not lease the step."""


class WorkerStub:
    """One worker. Close it when done."""

    def __init__(self, address: str, token: str, redis_url: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, (("grpc.enable_http_proxy", 0),))
        self._service = worker_service_pb2_grpc.WorkerServiceStub(self._channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._worker_id = f"bench@localhost:{uuid.uuid4().hex[:8]}"
        self._redis = Redis.from_url(redis_url)

    async def announce(self) -> None:
        """Announce one engine, so that submissions are checked against a catalogue."""
        pair = translation_pb2.LanguagePair(
            source_language=SOURCE_LANGUAGE,
            target_language=TARGET_LANGUAGE,
            hops=[
                translation_pb2.RouteHop(
                    engine="bench",
                    source_language=SOURCE_LANGUAGE,
                    target_language=TARGET_LANGUAGE,
                )
            ],
        )
        engine = translation_pb2.Engine(name="bench", version="1", description="Does nothing.")
        await self._service.AnnounceWorker(
            worker_service_pb2.AnnounceWorkerRequest(
                worker_id=self._worker_id,
                service="translation_worker",
                version="bench",
                step_kinds=["translate_text"],
                engines=[engine],
                language_pairs=[pair],
            ),
            metadata=self._metadata,
            timeout=CALL_TIMEOUT_SECONDS,
        )

    async def take_message(self) -> StepMessage:
        """Take the next message from the broker, as a worker would. Raises NoMessage."""
        found = await self._redis.brpop([QUEUE], timeout=CALL_TIMEOUT_SECONDS)
        if found is None:
            raise NoMessage
        body = json.loads(base64.b64decode(json.loads(found[1])["body"]))
        return StepMessage.from_kwargs(body[1])

    async def acquire(self, message: StepMessage) -> lease_pb2.LeaseRef:
        """Lease the step. Raises LeaseRefused."""
        ref = lease_pb2.LeaseRef(
            step_id=str(message.step_id),
            generation=message.generation,
            lease_id=str(uuid.uuid4()),
        )
        answer = await self._service.AcquireLeases(
            worker_service_pb2.AcquireLeasesRequest(worker_id=self._worker_id, refs=[ref]),
            metadata=self._metadata,
            timeout=CALL_TIMEOUT_SECONDS,
        )
        if not answer.leases:
            raise LeaseRefused
        return ref

    async def heartbeat(self, ref: lease_pb2.LeaseRef, done: float, total: float) -> None:
        """Report progress in characters."""
        progress = progress_pb2.Progress(
            unit=progress_pb2.PROGRESS_UNIT_CHARACTERS, done=done, total=total, stage="translate"
        )
        await self._service.Heartbeat(
            worker_service_pb2.HeartbeatRequest(
                worker_id=self._worker_id,
                reports=[lease_pb2.LeaseReport(ref=ref, progress=progress)],
            ),
            metadata=self._metadata,
            timeout=CALL_TIMEOUT_SECONDS,
        )

    async def complete(self, ref: lease_pb2.LeaseRef) -> None:
        """End the step with a short text."""
        text = b"Feito."
        output = lease_pb2.StepOutput(
            inline=text,
            digest=artifact_pb2.Digest(
                sha256=hashlib.sha256(text).hexdigest(), size_bytes=len(text)
            ),
            filename="translation.txt",
            media_type="text/plain; charset=utf-8",
        )
        await self._service.CompleteStep(
            worker_service_pb2.CompleteStepRequest(
                worker_id=self._worker_id, ref=ref, outputs=[output]
            ),
            metadata=self._metadata,
            timeout=CALL_TIMEOUT_SECONDS,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._channel.close()
        await self._redis.aclose()
