"""The gateway as a process: memory, slow clients, logs, spans, and its end."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from babelmill.jobs.v1 import job_pb2
from tests.collector import Collector
from tests.integration.gateway_edge import DEADLINE_SECONDS, until
from tests.integration.gateway_peer import TOKEN, Peer, running_peer

UPLOAD_BYTES = 64 * 1024 * 1024
BLOCK = os.urandom(64 * 1024)


@dataclass
class Gateway:
    """The running process and what it has written."""

    process: asyncio.subprocess.Process
    url: str = ""
    lines: list[str] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=DEADLINE_SECONDS,
        )

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def logged(self, event: str) -> list[dict[str, object]]:
        entries = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]


@contextlib.asynccontextmanager
async def gateway_process(peer: Peer, **environment: str) -> AsyncIterator[Gateway]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.main",
        env=os.environ
        | {
            "BABELMILL_GRPC": peer.address,
            "BABELMILL_HTTP_LISTEN": "127.0.0.1:0",
            "BABELMILL_GATEWAY_DRAIN_SECONDS": "3",
            **environment,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    gateway = Gateway(process)
    reading = asyncio.create_task(_read(gateway))
    try:
        await until(lambda: bool(gateway.logged("gateway_listening")) or reading.done())
        (listening,) = gateway.logged("gateway_listening")
        gateway.url = f"http://127.0.0.1:{listening['port']}"
        yield gateway
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _read(gateway: Gateway) -> None:
    assert gateway.process.stderr is not None
    async for line in gateway.process.stderr:
        gateway.lines.append(line.decode())


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as running:
        running.keep_contents = False
        yield running


@pytest.mark.parametrize("form", [False, True])
async def test_memory_stays_small_when_upload_is_large(peer: Peer, form: bool) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    async def body() -> AsyncIterator[bytes]:
        if form:
            yield head
        for _ in range(UPLOAD_BYTES // len(BLOCK)):
            yield BLOCK
        if form:
            yield b"\r\n--b--\r\n"

    async with gateway_process(peer) as gateway, gateway.client() as http:
        warm = await http.post("/v1/artifacts", content=BLOCK)
        assert warm.status_code == 201, warm.text
        process = psutil.Process(gateway.process.pid)
        before = process.memory_info().rss
        peak, ended = [before], threading.Event()

        def watch_memory() -> None:
            while not ended.wait(0.02):
                peak[0] = max(peak[0], process.memory_info().rss)

        watching = threading.Thread(target=watch_memory)
        watching.start()
        try:
            response = await http.post(
                "/v1/artifacts",
                content=body(),
                headers={"Content-Type": "multipart/form-data; boundary=b"} if form else {},
            )
        finally:
            ended.set()
            watching.join()
        spooled = [file.path for file in process.open_files() if "/tmp/" in file.path]
    assert response.status_code == 201, response.text
    assert peer.uploads[-1].size_bytes == UPLOAD_BYTES
    assert response.json()["sha256"] == peer.uploads[-1].sha256
    assert peak[0] - before < 24 * 1024 * 1024
    assert spooled == []


@pytest.mark.matrix(29)
async def test_slow_head_is_closed_when_its_time_is_up(peer: Peer) -> None:
    async with gateway_process(peer, BABELMILL_GATEWAY_HEAD_SECONDS="0.5") as gateway:
        silent, _silent_writer = await asyncio.open_connection(*gateway.address)
        slow, slow_writer = await asyncio.open_connection(*gateway.address)
        slow_writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await slow.readline()
        await slow.readuntil(b'"ok"}')
        slow_writer.write(b"GET /healthz HTT")  # a second head that never ends
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await silent.read() == b""
            assert await slow.read() == b""
        _silent_writer.close()
        slow_writer.close()


@pytest.mark.matrix(5)
@pytest.mark.parametrize(
    "head",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
    ],
)
async def test_head_is_refused_when_malformed(peer: Peer, head: bytes) -> None:
    async with gateway_process(peer) as gateway:
        reader, writer = await asyncio.open_connection(*gateway.address)
        writer.write(head)
        async with asyncio.timeout(DEADLINE_SECONDS):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b"MALFORMED_REQUEST" in answer
    assert b"uvicorn" not in answer.lower()


async def test_request_is_served_when_headers_hold_odd_bytes(peer: Peer) -> None:
    async with gateway_process(peer) as gateway:
        reader, writer = await asyncio.open_connection(*gateway.address)
        writer.write(
            b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\\x\r\n"
            b"traceparent: \xff\\u\r\nConnection: close\r\n\r\n"
        )
        async with asyncio.timeout(DEADLINE_SECONDS):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_logs_tell_no_query_and_no_token_when_served(peer: Peer) -> None:
    async with gateway_process(peer, BABELMILL_LOG_LEVEL="debug") as gateway:
        async with gateway.client() as http:
            response = await http.get("/v1/jobs?page_token=hush-page")
            await http.get("/v1/hush-path?hush-query=1")
            await http.post("/v1/jobs", json={"spec": {"translate_text": {"text": "hush-text"}}})
            await http.post("/v1/artifacts", files={"file": ("hush-name", b"hush-content")})
            await http.post("/v1/jobs", json={"spec": "hush-error"})
        await until(lambda: len(gateway.logged("request_served")) == 5)
        served = gateway.logged("request_served")
        written = "".join(gateway.lines)
    assert response.headers.get("server") is None
    assert served[0]["route"] == "/v1/jobs"
    assert served[0]["status"] == 200
    assert served[0]["service"] == "gateway"
    assert len(str(served[0]["trace_id"])) == 32
    assert "hush" not in written
    assert TOKEN not in written


async def test_process_ends_well_when_told_while_streaming(peer: Peer) -> None:
    stored = peer.add_job()
    await peer.change(stored, job_pb2.JOB_STATE_QUEUED)
    async with gateway_process(peer) as gateway, gateway.client() as http:
        async with http.stream("GET", f"/v1/jobs/{stored.job.job_id}/events") as response:
            lines = response.aiter_lines()
            async for line in lines:
                if line.startswith("data:"):
                    break
            gateway.process.send_signal(signal.SIGTERM)
            rest = [line async for line in lines]
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await gateway.process.wait() == 0
    assert "event: end" not in rest
    assert gateway.logged("gateway_stopping")[0]["reason"] == "SIGTERM"


async def test_request_is_finished_when_stop_comes_in_its_middle(peer: Peer) -> None:
    blocks: asyncio.Queue[bytes] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while block := await blocks.get():
            yield block

    async with gateway_process(peer) as gateway, gateway.client() as http:
        uploading = asyncio.create_task(http.post("/v1/artifacts", content=body()))
        for _ in range(8):
            blocks.put_nowait(BLOCK)
        await until(lambda: bool(peer.uploads) and peer.uploads[0].size_bytes > 0)
        gateway.process.send_signal(signal.SIGTERM)
        await until(lambda: bool(gateway.logged("gateway_stopping")))
        blocks.put_nowait(b"")
        assert (await uploading).status_code == 201
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await gateway.process.wait() == 0


async def test_every_setting_is_named_when_several_are_wrong(peer: Peer) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.main",
        env=os.environ
        | {"BABELMILL_HTTP_LISTEN": "nowhere", "BABELMILL_GATEWAY_HEAD_SECONDS": "0"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, written = await process.communicate()
    assert process.returncode == 78
    assert b"BABELMILL_HTTP_LISTEN" in written
    assert b"BABELMILL_GATEWAY_HEAD_SECONDS" in written


async def test_spans_join_caller_and_job_service_when_traced(peer: Peer) -> None:
    trace_id, parent_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    stored = peer.add_job()
    await peer.change(stored, job_pb2.JOB_STATE_COMPLETED)
    collector = Collector()
    try:
        async with (
            gateway_process(peer, BABELMILL_OTLP_ENDPOINT=collector.endpoint) as gateway,
            gateway.client() as http,
        ):
            headers = {"traceparent": f"00-{trace_id}-{parent_id}-01"}
            refused = await http.get("/v1/jobs/none?x=hush", headers=headers)
            await http.get(f"/v1/jobs/{stored.job.job_id}", headers=headers)
            await http.get(f"/v1/jobs/{stored.job.job_id}/events", headers=headers)
            await http.get("/healthz", headers=headers)
            await http.get("/readyz", headers=headers)
            gateway.process.send_signal(signal.SIGTERM)
            await gateway.process.wait()
            spans = collector.trace(trace_id)
    finally:
        await asyncio.to_thread(collector.stop)
    assert refused.json()["trace_id"] == trace_id
    servers = [span for span in spans if span.parent_id == parent_id]
    assert sorted(span.name for span in servers) == [
        "GET /v1/jobs/{job_id}",
        "GET /v1/jobs/{job_id}",
        "GET /v1/jobs/{job_id}/events",
    ]
    assert "hush" not in repr(spans)
    known = {span.span_id for span in spans}
    calls = [span for span in spans if span.parent_id != parent_id]
    assert all(span.parent_id in known for span in calls)
    stream = next(span for span in servers if span.name.endswith("events"))
    watch = next(span for span in calls if span.name.endswith("WatchJob"))
    assert watch.parent_id == stream.span_id
    assert watch.end_ns <= stream.end_ns
    sent = [each["traceparent"].split("-")[2] for each in peer.metadata if "traceparent" in each]
    assert set(sent) <= known
    assert len(sent) == 3
