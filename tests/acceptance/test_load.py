"""Many jobs at once, many workers, and a queue that is full.

Throughput is printed, never judged: it is the machine's as much as the program's.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from babelmill.client import Client
from babelmill.client.errors import ResourceExhausted
from babelmill.client.requests import job_request
from babelmill.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from tests.acceptance.conftest import Stack
from tests.deadlines import eventually
from tests.faults.house import FaultHouse
from tests.faults.servers import Template, job_service, make_template
from tests.faults.workloads import short_texts, text_spec

pytestmark = pytest.mark.alone

CLIENTS = 20
JOBS_PER_CLIENT = 25
MOST_WAITING = 5


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def house(template: Template) -> Iterator[FaultHouse]:
    """Servers of the test's own, for services with settings of the test's own."""
    with tempfile.TemporaryDirectory(prefix="load-", ignore_cleanup_errors=True) as directory:
        house = FaultHouse(Path(directory), template, pace={})
        try:
            house.start_servers()
            yield house
        finally:
            house.close()


@pytest.mark.row("S2.11")
@pytest.mark.timeout(400)
def test_every_job_completes_when_many_clients_submit_at_once(stack: Stack) -> None:
    def submit_and_wait(number: int) -> list[tuple[int, job_pb2.Job]]:
        with Client(stack.grpc, stack.token) as client:
            letters = range(number * JOBS_PER_CLIENT, (number + 1) * JOBS_PER_CLIENT)
            jobs = [
                (letter, client.create_job(text_spec(f"Letter {letter} has arrived.")))
                for letter in letters
            ]
            return [(letter, client.wait(job.job_id, 300)) for letter, job in jobs]

    began_at = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        ended = [pair for done in clients.map(submit_and_wait, range(CLIENTS)) for pair in done]
    seconds = time.monotonic() - began_at

    states = Counter(job_pb2.JobState.Name(job.state) for _, job in ended)
    assert states == {"JOB_STATE_COMPLETED": CLIENTS * JOBS_PER_CLIENT}
    assert len({job.job_id for _, job in ended}) == len(ended)
    with Client(stack.grpc, stack.token) as client:
        for letter, job in ended:
            # Each has its own text back, whatever was done together with it.
            assert str(letter) in client.job_text(job, "pt")
    rate = len(ended) / seconds
    sys.stdout.write(f"\n{len(ended)} jobs in {seconds:.1f} s: {rate:.0f} a second\n")


@pytest.mark.row("S3.6")
@pytest.mark.timeout(400)
def test_each_step_is_run_by_one_worker_when_there_are_several(house: FaultHouse) -> None:
    house.job_service()
    workers = [house.translation_worker(wait=False, settings={"concurrency": 1}) for _ in range(3)]
    for worker in workers:
        house.wait_for_worker(worker)
    client = house.client()

    job_ids = client.submit_many(short_texts(90))
    house.settle(300)

    steps = house.sql("SELECT step_id, state, attempt, generation FROM steps")
    assert len(steps) == len(job_ids)
    assert {row[1:] for row in steps} == {("COMPLETED", 1, 1)}

    def runs() -> Counter[object]:
        ends = [end for worker in workers for end in worker.events("attempt_ended")]
        # A worker tells of an end after the service has it.
        assert len(ends) >= len(steps)
        return Counter(end["step_id"] for end in ends)

    assert eventually(runs) == {str(step_id): 1 for step_id, *_ in steps}
    shares = [len(worker.events("attempt_ended")) for worker in workers]
    assert all(shares), f"a worker had nothing to do: {shares}"
    assert house.check().duplicate_executions == 0


def refusal(
    house: FaultHouse, request: job_service_pb2.CreateJobRequest
) -> tuple[grpc.StatusCode, dict[str, Any]]:  # Any: google.rpc is published without types
    """Submit past the client library; return the code and the details by their names."""
    with grpc.insecure_channel(house.address()) as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        metadata = (("authorization", f"Bearer {house.template.client_token}"),)
        with pytest.raises(grpc.RpcError) as raised:
            stub.CreateJob(request, metadata=metadata, timeout=30)
    error: object = raised.value
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    assert status is not None
    found: dict[str, Any] = {}
    for detail in status.details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.RetryInfo,
            error_details_pb2.QuotaFailure,
        ):
            if detail.Is(kind.DESCRIPTOR):
                found[kind.__name__] = kind()
                detail.Unpack(found[kind.__name__])
    return error.code(), found


def other_tenants_token(house: FaultHouse, path: Path) -> str:
    environment = {"PATH": "", "BABELMILL_DATABASE_URL": house.postgres.url()}
    asked = ("--tenant", "neighbour", "--role", "client", "--token-file", str(path))
    job_service(environment, "create-token", *asked)
    return path.read_text().strip()


@pytest.mark.matrix(27)
@pytest.mark.row("S3.7")
def test_jobs_are_refused_with_a_hint_when_too_many_wait_and_taken_again_later(
    house: FaultHouse, tmp_path: Path
) -> None:
    house.job_service(settings={"max_waiting_jobs": MOST_WAITING})
    gateway = house.gateway()
    client = house.client()
    specs = short_texts(MOST_WAITING + 1)
    for number, spec in enumerate(specs[:MOST_WAITING]):
        client.create(spec, f"letter-{number}")
    one_more = job_request(specs[MOST_WAITING], request_id="one-more")

    code, details = refusal(house, one_more)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details["ErrorInfo"].reason == "TOO_MANY_WAITING_JOBS"
    assert details["RetryInfo"].retry_delay.ToTimedelta().total_seconds() > 0
    assert details["QuotaFailure"].violations[0].subject
    answer = httpx.post(
        f"{house.gateway_url(gateway)}/v1/jobs",
        headers={"Authorization": f"Bearer {house.template.client_token}"},
        json={
            "spec": {
                "translate_text": {
                    "text": "One more.",
                    "source_language": "en",
                    "target_languages": ["pt"],
                }
            }
        },
        timeout=30,
    )
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    with pytest.raises(ResourceExhausted) as refused:
        client.send_many([job_request(spec) for spec in specs[:2]])
    assert refused.value.retry_after_seconds
    # Nobody else is refused, nor what was accepted before, and nothing was begun.
    client.create(specs[0], "letter-0")
    with Client(house.address(), other_tenants_token(house, tmp_path / "token")) as neighbour:
        neighbour.create_job(specs[0])
    assert house.sql("SELECT count(*) FROM jobs") == [(MOST_WAITING + 1,)]

    house.translation_worker()
    house.settle()
    job_id = client.send(one_more)
    house.wait_for_state(job_id, "COMPLETED")
    house.check().insist()
