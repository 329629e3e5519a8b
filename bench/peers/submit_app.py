"""A plain FastAPI + Celery submit endpoint, in two strengths.

`POST /redis/jobs` answers once the message is in Redis. `POST /durable/jobs`
commits a row in PostgreSQL first, as Babelmill does, and then publishes. Both
check the body's shape and nothing else: no credentials, no limits, no
idempotency, no events. What they lack is part of what the ratios mean.

Run by uvicorn with one process and one loop, as the gateway is.
"""

import json
import os
import threading
from uuid import UUID, uuid4

import psycopg2
from celery import Celery
from fastapi import FastAPI
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class named in lower case
from pydantic import BaseModel

QUEUE = "peer.translate"
TASK = "peer.translate"
CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS submissions (
    id uuid PRIMARY KEY,
    spec jsonb NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
INSERT = "INSERT INTO submissions (id, spec, state) VALUES (%s, %s, 'QUEUED')"


class Submission(BaseModel):
    """What is asked for."""

    text: str
    source_language: str
    target_languages: list[str]


class Connections:
    """A database connection for each thread of the server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()

    def mine(self) -> Connection:
        """Return this thread's connection, opened at its first use."""
        found: Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = psycopg2.connect(self._url)
        return found


def create_app() -> FastAPI:
    """Build the application from PEER_REDIS_URL and PEER_DATABASE_URL."""
    celery = Celery("peer", broker=os.environ["PEER_REDIS_URL"])
    celery.conf.update(task_ignore_result=True, task_default_queue=QUEUE)
    connections = Connections(os.environ["PEER_DATABASE_URL"])
    app = FastAPI()

    def publish(job_id: UUID, submission: Submission) -> None:
        celery.send_task(TASK, kwargs=submission.model_dump(), task_id=str(job_id))

    # Publishing blocks the loop for a moment here, and is faster by that than
    # by a change of thread: the peer gets its better form.
    @app.post("/redis/jobs", status_code=202)
    async def submit_to_redis(submission: Submission) -> dict[str, str]:
        job_id = uuid4()
        publish(job_id, submission)
        return {"id": str(job_id), "state": "QUEUED"}

    # A commit waits for the disk: here threads are the better form, and let
    # PostgreSQL commit several together.
    @app.post("/durable/jobs", status_code=202)
    def submit_durably(submission: Submission) -> dict[str, str]:
        job_id = uuid4()
        connection = connections.mine()
        with connection, connection.cursor() as cursor:
            cursor.execute(INSERT, (str(job_id), json.dumps(submission.model_dump())))
        publish(job_id, submission)
        return {"id": str(job_id), "state": "QUEUED"}

    return app
