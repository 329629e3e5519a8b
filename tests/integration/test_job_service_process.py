"""The command babelmill-job-service as a process: starting, refusing, draining, tracing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
)
from babelmill.kit.wire.status_details import from_rpc_error
from babelmill.stack.ports import free_port
from tests.collector import Collector
from tests.deadlines import eventually
from tests.integration.job_service_house import Metadata, bearer, text_request

COMMAND = [sys.executable, "-m", "job_service.main"]


class Process:
    """One server with its own ports, and a client's stubs for it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = {
            **os.environ,
            "BABELMILL_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
            "BABELMILL_WORKER_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
            **environment,
        }
        self.popen: subprocess.Popen[str] | None = None
        self.channel = grpc.insecure_channel(self.environment["BABELMILL_GRPC_LISTEN"])
        self.jobs = job_service_pb2_grpc.JobServiceStub(self.channel)
        self.artifacts = artifact_service_pb2_grpc.ArtifactServiceStub(self.channel)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        self.popen = subprocess.Popen(
            COMMAND, env=self.environment, stderr=subprocess.PIPE, text=True
        )
        grpc.channel_ready_future(self.channel).result(30)

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM; return the exit status and the log."""
        assert self.popen is not None
        self.popen.send_signal(signal.SIGTERM)
        _, log = self.popen.communicate(timeout=30)
        return self.popen.returncode, log

    def close(self) -> None:
        self.channel.close()
        if self.popen is not None and self.popen.poll() is None:
            self.popen.kill()
            self.popen.communicate()


@pytest.fixture
def make_process(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def make(**environment: str) -> Process:
        made.append(
            Process(
                {
                    "BABELMILL_DATABASE_URL": database_url,
                    "BABELMILL_REDIS_URL": redis_url,
                    "BABELMILL_ARTIFACTS": str(artifacts_directory),
                    "BABELMILL_DATABASE_WAIT_SECONDS": "1",
                    **environment,
                }
            )
        )
        return made[-1]

    yield make
    for process in made:
        process.close()


def client_token(process: Process) -> Metadata:
    created = process.run("create-token", "--tenant", "t", "--role", "client")
    assert created.returncode == 0, created.stderr
    return bearer(created.stdout.strip())


def test_token_file_is_its_owners_alone_when_created(
    make_process: Callable[..., Process], tmp_path: Path
) -> None:
    process, path = make_process(), tmp_path / "token"
    arguments = ("create-token", "--tenant", "t", "--role", "worker", "--token-file", str(path))
    created = process.run(*arguments)
    assert (created.returncode, created.stdout) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    assert before.startswith("babelmill_worker_")
    assert before.strip() not in created.stderr
    assert process.run(*arguments).returncode == 73
    assert path.read_text() == before


def test_every_role_has_a_token_when_all_are_created_at_once(
    make_process: Callable[..., Process], tmp_path: Path
) -> None:
    process = make_process()
    arguments = ("create-tokens", "--tenant", "t", "--directory", str(tmp_path))
    assert process.run(*arguments).returncode == 0
    paths = sorted(tmp_path.glob("*.token"))
    assert [path.name for path in paths] == ["client.token", "operator.token", "worker.token"]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    kept = paths[0].read_text()
    paths[1].unlink()
    assert process.run(*arguments).returncode == 0
    assert paths[0].read_text() == kept
    assert paths[1].read_text().startswith("babelmill_operator_")


def test_server_says_what_is_missing_when_it_cannot_start(
    make_process: Callable[..., Process],
    postgres_server: object,
    database_url: str,
) -> None:
    unset = make_process(BABELMILL_DATABASE_URL="", BABELMILL_ARTIFACTS="").run()
    assert unset.returncode == 78
    assert "BABELMILL_DATABASE_URL" in unset.stderr
    assert "BABELMILL_ARTIFACTS" in unset.stderr
    away = make_process(BABELMILL_DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{free_port()}/d")
    for arguments in ((), ("migrate",), ("create-token", "--tenant", "t", "--role", "client")):
        refused = away.run(*arguments)
        assert refused.returncode == 69
        assert "cannot be reached" in refused.stderr
        assert "hunter2" not in refused.stderr
    empty = make_process(BABELMILL_DATABASE_URL=postgres_server.url("postgres"))  # type: ignore[attr-defined]  # an EmbeddedPostgres
    refused = empty.run()
    assert refused.returncode == 69
    assert "migrate" in refused.stderr


def test_second_server_is_refused_when_the_port_is_taken(
    make_process: Callable[..., Process],
) -> None:
    first = make_process()
    first.start()
    second = make_process(BABELMILL_GRPC_LISTEN=first.environment["BABELMILL_GRPC_LISTEN"])
    refused = second.run()
    assert refused.returncode == 78
    assert "cannot listen on" in refused.stderr


def test_server_drains_and_ends_well_when_told_to_stop(
    make_process: Callable[..., Process],
) -> None:
    process = make_process()
    metadata = client_token(process)
    process.start()
    job = process.jobs.CreateJob(text_request(), metadata=metadata).job
    watches = [
        process.jobs.WatchJob(job_service_pb2.WatchJobRequest(job_id=job.job_id), metadata=metadata)
        for _ in range(20)
    ]
    for watch in watches:
        next(watch)
    started = time.monotonic()
    status, log = process.stop()
    assert status == 0, log
    assert time.monotonic() - started < 10
    assert '"drain_overran"' not in log
    assert '"error"' not in log
    for watch in watches:
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)
        details = from_rpc_error(caught.value)
        assert (details.code, details.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")


def test_server_ends_in_time_when_a_call_never_does(make_process: Callable[..., Process]) -> None:
    process = make_process(BABELMILL_DRAIN_SECONDS="1")
    metadata = client_token(process)
    process.start()
    never = threading.Event()

    def endless() -> Iterator[artifact_service_pb2.UploadArtifactRequest]:
        yield artifact_service_pb2.UploadArtifactRequest(
            header=artifact_service_pb2.UploadHeader(filename="a")
        )
        never.wait(60)

    upload = process.artifacts.UploadArtifact.future(endless(), metadata=metadata)
    listing = job_service_pb2.ListJobsRequest()
    process.jobs.ListJobs(listing, metadata=metadata)
    started = time.monotonic()
    status, log = process.stop()
    never.set()
    assert status == 0, log
    assert time.monotonic() - started < 10
    assert upload.exception(10) is not None


def test_upload_is_unfinished_when_its_client_was_killed(
    make_process: Callable[..., Process],
) -> None:
    process = make_process()
    metadata = client_token(process)
    process.start()
    artifact_id = "018f2c3e-7b1a-7cc0-8000-0123456789ab"
    request = artifact_service_pb2.GetArtifactRequest(artifact_id=artifact_id)

    def received() -> int:
        try:
            found = process.artifacts.GetArtifact(request, metadata=metadata).artifact
        except grpc.RpcError:
            return 0
        return found.received_bytes

    environment = {**process.environment, "TOKEN": metadata[0][1], "ARTIFACT": artifact_id}
    client = subprocess.Popen([sys.executable, "-c", _UPLOAD_WITHOUT_END], env=environment)
    try:
        eventually(lambda: received() >= 2 * 1024 * 1024)
    finally:
        client.kill()
        client.wait()
    before = received()
    eventually(lambda: settled(received))
    found = process.artifacts.GetArtifact(request, metadata=metadata).artifact
    assert found.state == artifact_pb2.ARTIFACT_STATE_UPLOADING
    assert found.received_bytes >= before


def settled(read: Callable[[], int]) -> bool:
    first = read()
    return all(read() == first for _ in range(20))


_UPLOAD_WITHOUT_END = """
import os, time, grpc
from babelmill.jobs.v1 import artifact_service_pb2 as pb, artifact_service_pb2_grpc as api

def parts():
    header = pb.UploadHeader(artifact_id=os.environ["ARTIFACT"], filename="a")
    yield pb.UploadArtifactRequest(header=header)
    offset = 0
    while True:
        yield pb.UploadArtifactRequest(chunk=pb.Chunk(offset=offset, data=bytes(65536)))
        offset += 65536
        time.sleep(0.002)

channel = grpc.insecure_channel(os.environ["BABELMILL_GRPC_LISTEN"])
stub = api.ArtifactServiceStub(channel)
stub.UploadArtifact(parts(), metadata=(("authorization", os.environ["TOKEN"]),))
"""


def test_spans_of_a_job_are_one_tree_when_exported(make_process: Callable[..., Process]) -> None:
    collector = Collector()
    try:
        process = make_process(BABELMILL_OTLP_ENDPOINT=collector.endpoint)
        metadata = client_token(process)
        process.start()
        parent = f"{'cd' * 8}"
        traceparent = ("traceparent", f"00-{'ab' * 16}-{parent}-01")
        created = process.jobs.CreateJob(text_request(), metadata=(*metadata, traceparent))
        get = job_service_pb2.GetJobRequest(job_id=created.job.job_id)
        eventually(
            lambda: (
                process.jobs.GetJob(get, metadata=metadata).job.state == job_pb2.JOB_STATE_QUEUED
            )
        )
        status, log = process.stop()
        assert status == 0, log
        spans = collector.trace("ab" * 16)
        server = next(s for s in spans if s.name == "babelmill.jobs.v1.JobService/CreateJob")
        assert server.parent_id == parent
        assert server.attributes["rpc.grpc.status_code"] == "0"
        publish = next(s for s in spans if s.name == "step.publish")
        assert publish.parent_id == server.span_id
        assert publish.attributes["babelmill.job_id"] == created.job.job_id
        statements = [s for s in spans if "db.query.text" in s.attributes]
        assert {s.parent_id for s in statements} == {server.span_id}
        assert any(s.attributes["db.query.text"].startswith("INSERT") for s in statements)
        assert "Hello, world." not in str(spans)
        ids = {span.span_id for span in spans} | {parent}
        assert all(span.parent_id in ids for span in spans), "an orphan span"
        roots = {s.name for s in collector.everything() if not s.parent_id}
        assert roots == {"babelmill.jobs.v1.JobService/GetJob"}, "a poll made a trace"
    finally:
        collector.stop()
