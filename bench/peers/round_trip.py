"""A bare Celery task with a result in Redis: the floor under any job on Celery.

Used as `celery -A bench.peers.round_trip:app worker`. The task does nothing;
its start is told too, so that both moments can be compared.
"""

import os

from celery import Celery

QUEUE = "peer.round_trip"


def make_app(redis_url: str) -> Celery:
    """Build the application, with a prefetch of 1 as Babelmill's workers have."""
    celery = Celery("round_trip", broker=redis_url, backend=redis_url)
    celery.conf.update(
        task_default_queue=QUEUE,
        task_track_started=True,
        result_expires=600,
        worker_prefetch_multiplier=1,
    )

    @celery.task(name="peer.nothing")  # type: ignore[untyped-decorator]  # celery has no types
    def nothing() -> str:
        return "done"

    return celery


def __getattr__(name: str) -> Celery:
    # Celery's command looks for `app` here; a client that only imports this
    # module has no environment to read it from.
    if name == "app":
        return make_app(os.environ["PEER_REDIS_URL"])
    raise AttributeError(name)
