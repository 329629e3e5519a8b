"""Many Server-Sent Event streams of one job at Babelmill's gateway."""

import asyncio
import json

from babelmill.stack.ports import split_address
from bench.loads.crowd import Crowd
from bench.loads.http_connection import BadAnswer, HttpConnection, get, post
from bench.loads.submitters import SOURCE_LANGUAGE, TARGET_LANGUAGE, TEXT


class GatewayWatchers:
    """Streams of a job that no worker takes, until it is cancelled."""

    def __init__(self, address: str, token: str) -> None:
        self._address, self._token = address, token
        self._host, self._port = split_address(address)
        self._crowd = Crowd()
        self._job_id = ""

    async def open(self, watches: int) -> dict[str, float]:
        """Submit the job, and open them all; return when each has its first event."""
        text = {
            "text": TEXT,
            "source_language": SOURCE_LANGUAGE,
            "target_languages": [TARGET_LANGUAGE],
        }
        created = await self._post("/v1/jobs", {"spec": {"translate_text": text}})
        self._job_id = str(created["job_id"])
        return await self._crowd.open(watches, self._watch)

    async def end(self) -> dict[str, float]:
        """Cancel the job; return when each has its last event."""
        return await self._crowd.end(self._post(f"/v1/jobs/{self._job_id}/cancel", None))

    async def _post(self, path: str, content: object) -> dict[str, object]:
        connection = HttpConnection(self._host, self._port)
        try:
            body = b"" if content is None else json.dumps(content).encode()
            status, answer = await connection.request(post(path, self._address, body, self._token))
        finally:
            await connection.close()
        if status not in (200, 201):
            raise BadAnswer(f"HTTP {status}")
        found: dict[str, object] = json.loads(answer)
        return found

    async def _watch(self, _: int, first_message: asyncio.Event) -> None:
        connection = HttpConnection(self._host, self._port)
        try:
            path = f"/v1/jobs/{self._job_id}/events"
            message = get(path, self._address, "text/event-stream", self._token)
            status, _headers = await connection.begin(message)
            if status != 200:
                raise BadAnswer(f"HTTP {status}")
            async for chunk in connection.chunks():
                if b"event: snapshot" in chunk:
                    first_message.set()
                if b"event: end" in chunk:
                    self._crowd.note_end()
        finally:
            await connection.close()
