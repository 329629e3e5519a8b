"""Floods at the gRPC door: many, silent, abandoned; who behaves is served meanwhile."""

import socket
import time

import grpc
import psutil
import psycopg2
import pytest

from babelmill.jobs.v1 import job_service_pb2, worker_service_pb2, worker_service_pb2_grpc
from babelmill.kit.wire.status_details import from_rpc_error
from tests.deadlines import eventually
from tests.security.doors import Doors
from tests.security.http2_peer import Http2Peer
from tests.security.test_calls import request_of

MIB = 1024 * 1024
WATCH = "/babelmill.jobs.v1.JobService/WatchJob"
CREATE = "/babelmill.jobs.v1.JobService/CreateJob"
DEADLINE_EXCEEDED = "4"
ENVIRONMENT = {
    "BABELMILL_MAX_CONCURRENT_CALLS": "300",
    "BABELMILL_MAX_WATCHERS_PER_TENANT": "250",
    "BABELMILL_MAX_WAITING_JOBS": "100000",
}


def assert_served(doors: Doors, within_seconds: float = 5) -> None:
    """A client and a worker that behave get their answers."""
    with grpc.insecure_channel(doors.grpc_address) as channel:
        doors.jobs(channel).ListJobs(
            job_service_pb2.ListJobsRequest(), metadata=doors.client, timeout=within_seconds
        )
    with grpc.insecure_channel(doors.worker_address) as channel:
        worker_service_pb2_grpc.WorkerServiceStub(channel).Heartbeat(
            worker_service_pb2.HeartbeatRequest(worker_id="w"),
            metadata=doors.worker,
            timeout=within_seconds,
        )


def connections(pid: int) -> int:
    return len(psutil.Process(pid).net_connections(kind="tcp"))


@pytest.fixture
def watched(doors: Doors) -> bytes:
    """A job to watch, as the message that asks for it."""
    with grpc.insecure_channel(doors.grpc_address) as channel:
        job = doors.jobs(channel).CreateJob(request_of(), metadata=doors.client).job
    return job_service_pb2.WatchJobRequest(job_id=job.job_id).SerializeToString()


@pytest.mark.matrix(11)
@pytest.mark.parametrize("timeout", ["0n", "0S"])
def test_nothing_is_stored_when_the_deadline_has_passed(doors: Doors, timeout: str) -> None:
    request = request_of(request_id=f"late-{timeout}").SerializeToString()
    with Http2Peer(doors.grpc_address) as peer:
        stream = peer.call(CREATE, request, doors.client, timeout)
        peer.flush()
        assert peer.status_of(stream) == DEADLINE_EXCEEDED
    assert_served(doors)
    connection = psycopg2.connect(doors.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs WHERE request_id = %s", (f"late-{timeout}",))
        assert cursor.fetchone() == (0,)
    connection.close()


@pytest.mark.matrix(7, 8)
def test_workers_are_served_when_clients_use_up_their_calls(doors: Doors, watched: bytes) -> None:
    request = job_service_pb2.WatchJobRequest.FromString(watched)
    options = [("grpc.use_local_subchannel_pool", 1)]
    refused: set[grpc.StatusCode] = set()
    with grpc.insecure_channel(doors.grpc_address, options=options) as channel:
        watches = [doors.jobs(channel).WatchJob(request, metadata=doors.client) for _ in range(400)]
        for watch in watches:
            try:
                next(watch)
            except grpc.RpcError as error:
                refused.add(from_rpc_error(error).code)
        assert refused == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        with grpc.insecure_channel(doors.worker_address) as to_workers:
            worker_service_pb2_grpc.WorkerServiceStub(to_workers).Heartbeat(
                worker_service_pb2.HeartbeatRequest(worker_id="w"),
                metadata=doors.worker,
                timeout=5,
            )
        for watch in watches:
            watch.cancel()
    assert_served(doors)


@pytest.mark.matrix(12)
def test_others_are_served_and_the_silent_are_closed_when_they_say_nothing(doors: Doors) -> None:
    addresses = (doors.grpc_address, doors.worker_address)
    silent = [
        socket.create_connection((host, int(port)), timeout=5)
        for host, _, port in (address.rpartition(":") for address in addresses * 250)
    ]
    try:
        eventually(lambda: connections(doors.service.pid) >= len(silent))
        assert_served(doors)
        eventually(
            lambda: connections(doors.service.pid) < len(silent) // 10,
            timeout_seconds=30,
            interval_seconds=0.5,
        )
        assert_served(doors)
    finally:
        for each in silent:
            each.close()


@pytest.mark.matrix(13)
def test_peer_is_sent_away_when_it_floods_with_pings(doors: Doors) -> None:
    with Http2Peer(doors.grpc_address) as peer:
        deadline = time.monotonic() + 10
        while not peer.sent_away and time.monotonic() < deadline:
            # One by one: closed with pings unread, the connection would be reset,
            # and its last words lost.
            peer.ping()
            peer.flush()
            peer.read()
        assert peer.sent_away
    assert_served(doors)


@pytest.mark.matrix(13, 14)
def test_memory_stays_bounded_when_streams_are_opened_and_reset(
    doors: Doors, watched: bytes
) -> None:
    _flood(doors, watched, streams=300)
    with doors.service.watching_memory() as peak:
        before = peak[0]
        _flood(doors, watched, streams=3000)
        assert_served(doors)
    assert peak[0] - before < 48 * MIB


@pytest.mark.slow
@pytest.mark.matrix(14)
def test_memory_stays_bounded_when_ten_thousand_streams_are_abandoned(
    doors: Doors, watched: bytes
) -> None:
    _flood(doors, watched, streams=1000)
    before = doors.service.rss_bytes
    for _ in range(10):
        _flood(doors, watched, streams=1000)
    assert_served(doors)
    eventually(lambda: doors.service.rss_bytes - before < 64 * MIB, timeout_seconds=30)


def _flood(doors: Doors, watched: bytes, *, streams: int) -> None:
    """Open watches and give each up at once, a hundred to a connection, half of them by leaving."""
    for number in range(streams // 100):
        with Http2Peer(doors.grpc_address) as peer:
            begun = [peer.call(WATCH, watched, doors.client) for _ in range(99)]
            if number % 2:
                for stream in begun:
                    peer.reset(stream)
            try:
                peer.flush()
                peer.read(0.01)
            except OSError:
                continue  # sent away for it, which is as well
