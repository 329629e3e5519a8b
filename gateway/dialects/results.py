"""What a job gave: texts and JSON within an answer, everything else as a download."""

import json
from http import HTTPStatus

from fastapi import Request
from pydantic import JsonValue
from starlette.responses import Response

from babelmill.jobs.v1 import artifact_pb2, job_pb2
from gateway.dialects.words import Phase, phase_of
from gateway.jobs_client.caller import Caller
from gateway.problem_details import ProblemError
from gateway.routes.content import get_content
from gateway.routes.context import Context

LARGEST_INLINE_BYTES = 8 * 1024 * 1024
"""A longer text is not repeated within an answer: it is downloaded."""

_NOT_READY_RETRY_SECONDS = 2


def require_result(job: job_pb2.Job) -> None:
    """Refuse to give what is not there. Raises ProblemError 409 (not yet) or 404 (never)."""
    phase = phase_of(job.state)
    if phase in (Phase.FAILED, Phase.CANCELLED):
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "NO_RESULT",
            "The job has ended without a result; its status tells why.",
            metadata={"job_id": job.job_id},
        )
    if phase is not Phase.COMPLETED:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "RESULT_NOT_READY",
            "The job has not finished yet.",
            metadata={"job_id": job.job_id},
            headers={"Retry-After": str(_NOT_READY_RETRY_SECONDS)},
        )


def completed_targets(job: job_pb2.Job) -> list[job_pb2.Target]:
    """List the targets that have a result."""
    return [each for each in job.targets if each.state == job_pb2.TARGET_STATE_COMPLETED]


def require_outputs(target: job_pb2.Target) -> None:
    """Refuse to give what is gone. Raises ProblemError 410."""
    if not target.outputs and not target.HasField("text"):
        raise ProblemError(
            HTTPStatus.GONE, "ARTIFACT_EXPIRED", "The result was kept for its time and is gone."
        )


async def text_of(context: Context, caller: Caller, target: job_pb2.Target) -> str | None:
    """Give a target's result if it is a text that is there and not too long, else None."""
    if target.HasField("text"):
        return target.text
    if not target.outputs:
        return None
    output = target.outputs[0]
    media_type = output.media_type.partition(";")[0].strip()
    if media_type != "text/plain" or output.digest.size_bytes > LARGEST_INLINE_BYTES:
        return None
    return (await _read(context, caller, output)).decode(errors="replace")


async def json_of(context: Context, caller: Caller, output: artifact_pb2.Artifact) -> JsonValue:
    """Read a JSON output. Raises ProblemError 409 if it is too long for an answer."""
    if output.digest.size_bytes > LARGEST_INLINE_BYTES:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "RESULT_TOO_LARGE",
            "The result is too long for one answer; download it.",
            metadata={"artifact_id": output.artifact_id},
        )
    found: JsonValue = json.loads(await _read(context, caller, output))
    return found


async def download(
    request: Request, context: Context, caller: Caller, job: job_pb2.Job, key: str | None
) -> Response:
    """Serve the first output of a target; without a key, of the first one that has any.

    Ranges and conditions are those of the native download. Raises ProblemError.
    """
    require_result(job)
    for target in completed_targets(job):
        if key is None or target.key.casefold() == key.casefold():
            require_outputs(target)
            return await get_content(
                request,
                context,
                caller,
                target.outputs[0].artifact_id,
                request.headers.get("range"),
                request.headers.get("if-range"),
                request.headers.get("if-none-match"),
            )
    raise ProblemError(
        HTTPStatus.NOT_FOUND,
        "NO_RESULT",
        "The job has no such result.",
        metadata={"job_id": job.job_id},
    )


async def _read(context: Context, caller: Caller, output: artifact_pb2.Artifact) -> bytes:
    content = context.client.download(caller, output.artifact_id, 0)
    try:
        return b"".join([data async for data in content])
    finally:
        await content.aclose()
