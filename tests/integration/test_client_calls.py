"""Single calls over real gRPC: repeated safely, refused clearly, traced."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from babelmill.client import AsyncClient, CallPolicy, Client, requests
from babelmill.client.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotConfigured,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from babelmill.client.resumption import ResumePolicy
from babelmill.jobs.v1 import job_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from tests.deadlines import eventually
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import TOKEN
from tests.unit.client.test_client_errors import CLASSES


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


@pytest.fixture
def client(peer: Peer) -> Iterator[Client]:
    with Client(peer.address, TOKEN) as opened:
        yield opened


def test_one_job_is_made_when_the_answer_is_lost(peer: Peer, client: Client) -> None:
    peer.faults.lost_answers = 2
    job = client.translate_text("Good morning.", "en", ["pt"])
    assert list(peer.jobs) == [job.job_id]


async def test_one_job_is_made_when_the_asyncio_answer_is_lost(peer: Peer) -> None:
    peer.faults.lost_answers = 2
    async with AsyncClient(peer.address, TOKEN) as client:
        job = await client.translate_text("Good morning.", "en", "pt", priority="urgent")
    assert list(peer.jobs) == [job.job_id]
    assert job.priority == job_pb2.PRIORITY_URGENT


def test_a_submission_is_not_repeated_when_it_has_no_request_id(peer: Peer, client: Client) -> None:
    peer.faults.lost_answers = 1
    with pytest.raises(Unavailable):
        client.create_job(requests.transcode_spec("a", "mp3"), request_id="")


def test_a_batch_is_made_when_submitted_together(peer: Peer, client: Client) -> None:
    batch = [requests.job_request(requests.text_spec(t, "en", ["pt"])) for t in ("a", "b")]
    jobs = client.create_jobs(batch)
    assert [job.spec.translate_text.text for job in jobs] == ["a", "b"]
    assert set(peer.jobs) == {job.job_id for job in jobs}


@pytest.mark.parametrize("code", [c for c in grpc.StatusCode if c.name not in {"OK", "CANCELLED"}])
def test_the_class_fits_the_code_when_a_call_is_refused(
    peer: Peer, client: Client, code: grpc.StatusCode
) -> None:
    details = ErrorDetails(code, "no", reason="WHY", metadata={"k": "v"}, retry_after_seconds=0.5)
    peer.faults.refusals = [details] * 4  # UNAVAILABLE is tried four times by the channel
    with pytest.raises(CLASSES[code.name]) as raised:
        client.get_job("x")
    assert raised.value.reason == "WHY"
    assert raised.value.metadata["k"] == "v"
    assert raised.value.retry_after_seconds == 0.5


async def test_violations_are_carried_when_the_asyncio_call_is_refused(peer: Peer) -> None:
    violation = FieldViolation("spec.text", "is empty", "EMPTY")
    peer.faults.refusals = [
        ErrorDetails(grpc.StatusCode.INVALID_ARGUMENT, "no", violations=(violation,))
    ]
    async with AsyncClient(peer.address, TOKEN) as client:
        with pytest.raises(InvalidArgument) as raised:
            await client.engines()
    assert raised.value.violations == (violation,)


def test_every_page_is_listed_when_there_are_several(peer: Peer, client: Client) -> None:
    made = [peer.add_job(1) for _ in range(7)]
    assert [job.job_id for job in client.list_jobs(page_size=3)] == made
    none = requests.job_filter(states=["failed"])
    assert list(client.list_jobs(none)) == []


async def test_every_page_is_listed_by_asyncio_when_there_are_several(peer: Peer) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 7)
    async with AsyncClient(peer.address, TOKEN) as client:
        events = [event.sequence async for event in client.list_events(job_id, page_size=3)]
        jobs = [job.job_id async for job in client.list_jobs(page_size=1)]
    assert events == list(range(1, 8))
    assert jobs == [job_id]


def test_events_are_listed_after_a_sequence_when_one_is_given(peer: Peer, client: Client) -> None:
    job_id = peer.add_job(5)
    assert [event.sequence for event in client.list_events(job_id, 3, page_size=1)] == [4, 5]


def test_a_cancel_is_refused_when_the_job_has_ended(peer: Peer, client: Client) -> None:
    running, ended = peer.add_job(1, final=False), peer.add_job(1)
    assert client.cancel_job(running).state == job_pb2.JOB_STATE_CANCELLED
    with pytest.raises(FailedPrecondition) as raised:
        client.cancel_job(ended)
    assert raised.value.reason == "JOB_FINISHED"


def test_the_catalogue_is_told_when_asked(client: Client) -> None:
    assert [(p.source_language, p.target_language) for p in client.languages("en")] == [
        ("en", "pt")
    ]
    assert [engine.name for engine in client.engines()] == ["mill"]
    assert [preset.name for preset in client.presets()] == ["mp3"]


def test_each_view_shows_its_own_token_when_a_channel_is_shared(peer: Peer, client: Client) -> None:
    with client.with_token("another") as view:
        view.engines()
    client.engines()  # the view has not closed the channel
    assert peer.tokens == ["another", TOKEN]


def test_the_call_is_refused_when_there_is_no_token(peer: Peer) -> None:
    with Client(peer.address, "") as client, pytest.raises(Unauthenticated):
        client.engines()


def test_the_submission_is_given_up_when_nothing_listens() -> None:
    policy = CallPolicy(submit=ResumePolicy(first_delay_seconds=0.01, patience_seconds=0.1))
    with Client("127.0.0.1:1", TOKEN, policy=policy) as client, pytest.raises(Unavailable):
        client.translate_text("x", "en", ["pt"])


def test_no_client_is_made_when_no_address_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(NotConfigured):
        Client()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def test_a_call_is_a_span_of_the_callers_trace_when_tracing_is_on(
    peer: Peer, spans: InMemorySpanExporter
) -> None:
    with (
        trace.get_tracer("test").start_as_current_span("caller") as caller,
        Client(peer.address, TOKEN) as client,
    ):
        client.translate_text("x", "en", ["pt"])
    trace_id = f"{caller.get_span_context().trace_id:032x}"
    assert peer.traceparents[-1].split("-")[1] == trace_id
    (call,) = [span for span in spans.get_finished_spans() if "CreateJob" in span.name]
    assert call.parent is not None
    assert call.parent.span_id == caller.get_span_context().span_id


@pytest.mark.parametrize("left_early", [False, True])
def test_the_watchs_span_ends_when_the_watch_does(
    peer: Peer, spans: InMemorySpanExporter, left_early: bool
) -> None:
    job_id = peer.add_job(2, final=not left_early)
    with Client(peer.address, TOKEN) as client, client.watch_job(job_id) as watch:
        next(watch)
        assert not any("WatchJob" in span.name for span in spans.get_finished_spans())
        assert not trace.get_current_span().is_recording(), "the watch is not the reader's span"
        if not left_early:
            list(watch)
    (call,) = eventually(
        lambda: [span for span in spans.get_finished_spans() if "WatchJob" in span.name]
    )
    assert call.status.is_unset


async def test_the_asyncio_watchs_span_ends_when_the_watch_is_left(
    peer: Peer, spans: InMemorySpanExporter
) -> None:
    job_id = await asyncio.to_thread(peer.add_job, 1, final=False)
    async with AsyncClient(peer.address, TOKEN) as client:
        async for _ in client.watch_job(job_id):
            break
        ended = await asyncio.to_thread(
            eventually,
            lambda: [span for span in spans.get_finished_spans() if "WatchJob" in span.name],
        )
    assert len(ended) == 1


def test_an_unknown_job_is_told_when_asked_for(client: Client) -> None:
    with pytest.raises(NotFound, match="no such job"):
        client.get_job("0199aa00-0000-7000-8000-00000000000d")
