"""The command begins the trace of what it asks for."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.collector import Collector
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import TOKEN

COMMAND = (sys.executable, "-m", "babelmill.cli.main")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


def run(peer: Peer, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "BABELMILL_GRPC": peer.address,
        "BABELMILL_TOKEN": TOKEN,
        "BABELMILL_OTLP_ENDPOINT": endpoint,
    }
    return subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_one_root_span_holds_every_call_when_the_command_has_ended(peer: Peer) -> None:
    collector = Collector()
    try:
        job_id = peer.add_job(2)
        done = run(peer, collector.endpoint, "watch", job_id)
        assert done.returncode == 0, done.stderr
        spans = collector.everything()  # it was flushed before the command ended
    finally:
        collector.stop()
    (root,) = [span for span in spans if not span.parent_id]
    assert (root.name, root.service) == ("cli.watch", "babelmill-cli")
    calls = {span.name.rsplit("/", 1)[-1] for span in spans if span.parent_id == root.span_id}
    assert calls == {"WatchJob", "GetJob"}
    assert {header.split("-")[1] for header in peer.traceparents} == {root.trace_id}


def test_the_command_works_as_ever_when_the_collector_is_away(peer: Peer) -> None:
    done = run(peer, "http://127.0.0.1:1", "engines")
    assert (done.returncode, done.stdout) == (0, "mill\t1\t[bold]Grinds.[/]\tany pair, tone\n")
    assert done.stderr == ""
