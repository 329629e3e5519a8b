"""Who is measured by submit.py, what each one's answer promises, and how it is reached."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.servers import Servers
from bench.stores import BabelmillStore, PeerDurableStore, PeerRedisStore, Store

BATCH = 50


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to submit."""

    name: str
    title: str
    promise: str
    """What its answer says has happened."""
    target: dict[str, object]
    store: Store
    pids: tuple[int, ...]
    """Its own processes, whose CPU time is counted; the databases are shared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One ratio to print."""

    ours: str
    theirs: str


CONTROL = Comparison("create_again", "create")
COMPARISONS = (
    Comparison("create", "peer_durable"),
    Comparison("batch", "peer_durable"),
    Comparison("gateway", "peer_durable"),
    Comparison("create", "peer_redis"),
    Comparison("batch", "peer_redis"),
    Comparison("gateway", "peer_redis"),
)


def start_contestants(servers: Servers) -> Sequence[Contestant]:
    """Start all that submit.py compares, and name it."""
    servers.start_databases()
    servers.start_job_service()
    servers.start_gateway()
    peer = servers.start_peer_app("peer", "bench.peers.submit_app:create_app")
    ours = BabelmillStore(servers.postgres.url(), servers.valkey.url())
    durable = PeerDurableStore(servers.peer_database_url, servers.peer_redis_url)
    job_service = (servers.pid("job_service"),)
    create = {
        "kind": "grpc",
        "address": servers.grpc,
        "token": servers.token,
        "jobs_per_request": 1,
    }
    promise = (
        "job, step, text and first event committed in PostgreSQL; token, limits, languages and "
        "request_id checked; published just after"
    )
    return (
        Contestant("create", "Babelmill CreateJob, gRPC", promise, create, ours, job_service),
        Contestant(
            "create_again",
            "  the same again (A/A control)",
            "as above",
            create,
            ours,
            job_service,
        ),
        Contestant(
            "batch",
            f"Babelmill BatchCreateJobs({BATCH})",
            f"as above, {BATCH} jobs in one transaction",
            {**create, "jobs_per_request": BATCH},
            ours,
            job_service,
        ),
        Contestant(
            "gateway",
            "Babelmill POST /v1/jobs",
            "as CreateJob, which it calls; two processes",
            {"kind": "gateway", "address": servers.http, "token": servers.token},
            ours,
            (*job_service, servers.pid("gateway")),
        ),
        Contestant(
            "peer_redis",
            "FastAPI + Celery, Redis only",
            "message in Redis memory; body's shape checked; no token, no limit, no idempotency",
            {"kind": "peer", "address": peer, "path": "/redis/jobs"},
            PeerRedisStore(servers.peer_redis_url),
            (servers.pid("peer"),),
        ),
        Contestant(
            "peer_durable",
            "FastAPI + Celery, row first",
            "one row committed in PostgreSQL, then the message in Redis; otherwise as above",
            {"kind": "peer", "address": peer, "path": "/durable/jobs"},
            durable,
            (servers.pid("peer"),),
        ),
    )
