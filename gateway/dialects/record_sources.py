"""Records that were uploaded as a JSON file before."""

import json
from uuid import UUID

from pydantic import JsonValue, TypeAdapter, ValidationError

from gateway.dialects.jobs import invalid
from gateway.jobs_client.caller import Caller
from gateway.routes.context import Context
from gateway.transcoding.translations import Record

LARGEST_BYTES = 1024 * 1024  # what the job service takes

_RECORDS = TypeAdapter(list[Record])


async def records_of(context: Context, caller: Caller, novel_id: str) -> list[dict[str, JsonValue]]:
    """Read the file: one record, a list of them, or an object whose `records` are.

    Raises ProblemError, BabelmillError.
    """
    try:
        artifact = await context.client.get_artifact(caller, str(UUID(novel_id)))
    except ValueError:
        raise invalid("novel_id", "is not the artifact id of uploaded records") from None
    if artifact.digest.size_bytes > LARGEST_BYTES:
        raise invalid("novel_id", f"names records of more than {LARGEST_BYTES} bytes", "TOO_LARGE")
    content = context.client.download(caller, artifact.artifact_id, 0)
    try:
        data = b"".join([each async for each in content])
    finally:
        await content.aclose()
    try:
        found = json.loads(data)
        if isinstance(found, dict):
            found = found["records"] if isinstance(found.get("records"), list) else [found]
        return _RECORDS.validate_python(found)
    except (ValueError, RecursionError, ValidationError):
        raise invalid("novel_id", "names a file that is not records in JSON") from None
