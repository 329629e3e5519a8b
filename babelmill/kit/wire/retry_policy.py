"""Which calls a channel repeats by itself when the peer is UNAVAILABLE.

Only calls that are idempotent as they stand. CreateJob, BatchCreateJobs and
RetryJob are so only with a request_id, and uploads only with an artifact_id
and an offset: their callers know that, a channel does not. A repeated
DeleteJob says NOT_FOUND, and only its caller knows what that means.
"""

import json

_JOBS = "babelmill.jobs.v1"

IDEMPOTENT_METHODS: tuple[tuple[str, str], ...] = (
    (f"{_JOBS}.JobService", "GetJob"),
    (f"{_JOBS}.JobService", "ListJobs"),
    (f"{_JOBS}.JobService", "WatchJob"),
    (f"{_JOBS}.JobService", "ListJobEvents"),
    (f"{_JOBS}.JobService", "CancelJob"),
    (f"{_JOBS}.ArtifactService", "GetArtifact"),
    (f"{_JOBS}.ArtifactService", "ListArtifacts"),
    (f"{_JOBS}.ArtifactService", "DownloadArtifact"),
    (f"{_JOBS}.CatalogService", "ListEngines"),
    (f"{_JOBS}.CatalogService", "ListLanguagePairs"),
    (f"{_JOBS}.CatalogService", "ListPresets"),
    (f"{_JOBS}.QueueService", "ListQueues"),
    (f"{_JOBS}.QueueService", "ListDeadLetters"),
    (f"{_JOBS}.QueueService", "ReplayDeadLetters"),
    (f"{_JOBS}.WorkerService", "AnnounceWorker"),
    (f"{_JOBS}.WorkerService", "AcquireLeases"),
    (f"{_JOBS}.WorkerService", "Heartbeat"),
    (f"{_JOBS}.WorkerService", "CompleteStep"),
    (f"{_JOBS}.WorkerService", "FailStep"),
    ("grpc.health.v1.Health", "Check"),
)


def service_config() -> str:
    """Write the policy as a gRPC service config (grpc/proposal A6)."""
    return json.dumps(
        {
            "methodConfig": [
                {
                    "name": [
                        {"service": service, "method": method}
                        for service, method in IDEMPOTENT_METHODS
                    ],
                    "retryPolicy": {
                        "maxAttempts": 4,
                        "initialBackoff": "0.2s",
                        "maxBackoff": "2s",
                        "backoffMultiplier": 2,
                        "retryableStatusCodes": ["UNAVAILABLE"],
                    },
                }
            ]
        }
    )
