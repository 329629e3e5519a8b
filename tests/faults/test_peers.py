"""Peers that misbehave: watchers that do not read, and a collector that is gone."""

import statistics
import time

import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from babelmill.kit.wire.channels import open_channel
from tests.collector import Collector
from tests.deadlines import eventually
from tests.faults.house import FaultHouse
from tests.faults.proxy import Direction
from tests.faults.table import FaultRow
from tests.faults.workloads import sentences, text_spec

_SLOW_WATCHERS = 1500
_MOST_KIB_EACH = 100
"""Five times what a watcher's first message has here."""


def _open_calls(house: FaultHouse) -> int:
    """Count the calls that the job service serves now, as its channelz tells."""
    listen = house.job_services[0].environment["BABELMILL_WORKER_GRPC_LISTEN"]
    with open_channel(listen, house.template.worker_token) as channel:
        found = channelz_pb2_grpc.ChannelzStub(channel).GetServers(
            channelz_pb2.GetServersRequest(), timeout=10
        )
    return sum(
        server.data.calls_started - server.data.calls_succeeded - server.data.calls_failed
        for server in found.server
    )


@pytest.mark.matrix(9)
@pytest.mark.fault(33)
@pytest.mark.slow
def test_watchers_are_sent_away_and_resume_when_they_do_not_read(
    house: FaultHouse, row: FaultRow
) -> None:
    """I4: the service holds a bounded amount for them, and they lose nothing."""
    service = house.job_service()
    client = house.client()
    # The text is in the snapshot that each watcher is sent first.
    job_id = client.submit(text_spec(sentences(180)))
    quick = house.watchers()
    quick.watch(job_id)
    proxy = house.proxy_to_clients_port()
    # All on one connection, which takes some MB before it is full.
    slow = house.watchers_at(proxy.address, streams_per_channel=_SLOW_WATCHERS + 1)
    slow.watch(job_id, snapshot=True)
    slow.wait_until_open()
    before = service.rss_bytes()
    proxy.blackhole(Direction.TO_CLIENT)
    slow.watch(job_id, times=_SLOW_WATCHERS, snapshot=True)
    stalled_at = time.monotonic()
    eventually(lambda: _open_calls(house) > _SLOW_WATCHERS, timeout_seconds=60)
    # Others are served meanwhile.
    worker = house.translation_worker()
    house.wait_for_state(job_id, "COMPLETED", timeout_seconds=60)
    quick.wait_for_all()
    most = 0

    def sent_away() -> bool:
        nonlocal most
        most = max(most, service.rss_bytes())
        return _open_calls(house) < _SLOW_WATCHERS / 10

    eventually(sent_away, timeout_seconds=90)
    evicted_after = time.monotonic() - stalled_at
    proxy.heal()
    healed_at = time.monotonic()
    slow.wait_for_all()
    row.recovered(time.monotonic() - healed_at)
    told = {reason or code for each in slow.watched for code, reason in each.breaks}
    kib = (most - before) / 1024 / _SLOW_WATCHERS
    row.note(
        f"{_SLOW_WATCHERS} sent away after {evicted_after:.0f} s ({', '.join(sorted(told))});"
        f" at most {kib:.0f} KiB each"
    )
    # A status cannot overtake the bytes that are stuck before it, so what
    # arrives may be the bare end of the stream: CANCELLED, which is resumed, too.
    assert told <= {"SLOW_WATCHER", "UNAVAILABLE", "CANCELLED"}
    assert kib < _MOST_KIB_EACH
    assert worker.alive
    house.settle()
    row.judge(house)


@pytest.mark.fault(36)
@pytest.mark.slow
def test_jobs_go_on_as_fast_when_the_collector_hangs_or_is_down(
    house: FaultHouse, row: FaultRow
) -> None:
    """I1: spans are lost, jobs are not, and nobody waits for a collector."""
    collector = Collector()
    proxy = house.proxy_to(int(collector.endpoint.rpartition(":")[2]))
    settings = {"otlp_endpoint": f"http://{proxy.address}"}
    service = house.job_service(settings=settings)
    worker = house.translation_worker(settings=settings)
    client = house.client()

    def seconds_of_jobs(count: int = 12) -> float:
        """The median time from submission to the end, one job at a time."""
        times = []
        for number in range(count):
            started_at = time.monotonic()
            job_id = client.submit(text_spec(f"Train {number} leaves now."))
            house.wait_for_state(job_id, "COMPLETED")
            times.append(time.monotonic() - started_at)
        return statistics.median(times)

    try:
        seconds_of_jobs(4)
        well = seconds_of_jobs()
        eventually(collector.everything)
        proxy.blackhole()
        hanging = seconds_of_jobs()
        # The stop is bounded, too, with spans that cannot be sent.
        proxy.refuse()
        down = seconds_of_jobs()
        failing = len(service.events("span_export_failing"))
        proxy.heal()
        eventually(lambda: worker.events("span_export_recovered"), timeout_seconds=60)
        lost = sum(
            int(str(line["lost_spans"]))
            for each in (service, worker)
            for line in each.events("span_export_recovered")
        )
    finally:
        collector.stop()
    assert failing
    row.note(
        f"median job {well * 1000:.0f} ms, hanging {hanging * 1000:.0f} ms, down"
        f" {down * 1000:.0f} ms; {lost} spans lost"
    )
    row.judge(house)
    # Whoever waits for a collector waits a second at least.
    assert max(hanging, down) < well + 1
