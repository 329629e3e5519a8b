"""Settings, logs, stop signals, orphans, and a collector that is dead."""

import asyncio
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from pydantic import Field, SecretStr

from babelmill.kit.process.lifecycle import StopSignal
from babelmill.kit.process.logs import configure_logging, get_logger
from babelmill.kit.process.settings import Settings, load_settings
from tests.deadlines import eventually


class _Settings(Settings):
    port: int = Field(default=1, ge=1)
    token: SecretStr
    names: tuple[str, ...] = ()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("tester", "info")
    yield stream
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def _read(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_settings_are_read_when_the_environment_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELMILL_TOKEN", "s")
    monkeypatch.setenv("BABELMILL_PORT", "")
    settings = load_settings(_Settings)
    assert settings.token.get_secret_value() == "s"
    assert settings.port == 1


def test_all_wrong_variables_are_named_without_values_when_settings_are_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_PORT", "canary")
    with pytest.raises(SystemExit) as caught:
        load_settings(_Settings)
    assert caught.value.code == 78
    printed = capsys.readouterr().err
    assert "BABELMILL_PORT" in printed
    assert "BABELMILL_TOKEN" in printed
    assert "canary" not in printed


def test_variable_is_named_when_its_json_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_NAMES", "[canary")
    with pytest.raises(SystemExit):
        load_settings(_Settings)
    printed = capsys.readouterr().err
    assert "names" in printed
    assert "canary" not in printed


@pytest.mark.matrix(55)
def test_log_line_is_json_with_trace_ids_when_a_span_is_current(lines: io.StringIO) -> None:
    with TracerProvider().get_tracer("t").start_as_current_span("x") as span:
        get_logger("kit.test").info("something_happened", count=3)
    (line,) = _read(lines)
    assert line["event"] == "something_happened"
    assert line["service"] == "tester"
    assert line["level"] == "info"
    assert line["count"] == 3
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert line["span_id"] == f"{span.get_span_context().span_id:016x}"
    assert str(line["time"]).endswith("Z")


def test_standard_logging_takes_the_same_way_when_a_library_logs(lines: io.StringIO) -> None:
    logging.getLogger("library").warning("it is %s", "so", extra={"sneaky": 1})
    (line,) = _read(lines)
    assert (line["event"], line["logger"], line["service"]) == ("it is so", "library", "tester")
    assert "sneaky" not in line


def test_line_cannot_be_forged_when_a_value_holds_line_breaks(lines: io.StringIO) -> None:
    get_logger("t").info("seen", name='x\n{"event":"forged"}\r\u2028\x1b[31m', odd="\ud800")
    assert len(lines.getvalue().splitlines()) == 1
    assert "\x1b" not in lines.getvalue()
    assert _read(lines)[0]["event"] == "seen"


@pytest.mark.matrix(65)
def test_exception_is_told_without_its_text_when_logged(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("canary-inner")
        except KeyError as inner:
            raise RuntimeError("canary-outer") from inner
    except RuntimeError as error:
        get_logger("t").error("broke", exc_info=error)
        logging.getLogger("library").exception("broke_too")
    assert "canary" not in lines.getvalue()
    for line in _read(lines):
        kinds = [entry["type"] for entry in line["exception"]]  # type: ignore[attr-defined]  # JSON
        assert kinds == ["builtins.RuntimeError", "builtins.KeyError"]


def test_secret_is_hidden_when_it_is_logged_by_name(lines: io.StringIO) -> None:
    get_logger("t").info("dialled", worker_token="canary", password="canary")
    assert "canary" not in lines.getvalue()


def test_level_is_refused_when_it_is_unknown() -> None:
    with pytest.raises(ValueError, match="log level"):
        configure_logging("tester", "loud")


def test_first_reason_counts_when_a_stop_is_requested_twice() -> None:
    stop = StopSignal()
    seen: list[str] = []
    stop.on_request(seen.append)
    stop.request("first")
    stop.request("second")
    stop.on_request(seen.append)
    assert stop.requested
    assert stop.wait(0)
    assert stop.reason == "first"
    assert seen == ["first", "first"]


async def test_loop_is_woken_when_a_thread_requests_the_stop() -> None:
    stop = StopSignal()
    waiting = asyncio.create_task(stop.wait_async())
    await asyncio.sleep(0)
    await asyncio.to_thread(stop.request, "told")
    assert await asyncio.wait_for(waiting, 5) == "told"
    assert await asyncio.wait_for(stop.wait_async(), 5) == "told"


async def test_loop_is_woken_when_the_process_gets_sigterm() -> None:
    stop = StopSignal()
    stop.install_async()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(stop.wait_async(), 5) == "SIGTERM"
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


def test_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = (
        "import time; from babelmill.kit.process.lifecycle import die_with_parent; "
        f"die_with_parent(); open({str(pid_file)!r}, 'w').write(str(__import__('os').getpid())); "
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {child!r}])",
        ]
    )
    pid = int(eventually(lambda: pid_file.read_text() if pid_file.exists() else ""))
    parent.kill()
    parent.wait()

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    eventually(gone)


@pytest.mark.parametrize("listening", [False, True])
def test_dead_collector_costs_no_time_and_one_warning_when_spans_end(listening: bool) -> None:
    # A port that refuses, and one that accepts and never answers.
    code = f"""
import socket, sys, time
from babelmill.kit.process.logs import configure_logging
from babelmill.kit.process.telemetry import start_telemetry, tracer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
configure_logging("tester")
held = socket.socket(); held.bind(("127.0.0.1", 0))
if {listening}: held.listen(16)
peer = TracerProvider()
peer.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
beside = time.monotonic()
for _ in range(20000):
    with peer.get_tracer("t").start_as_current_span("x"): pass
sys.stdout.write("%f " % (time.monotonic() - beside))
peer.shutdown()
telemetry = start_telemetry("tester", "http://127.0.0.1:%d" % held.getsockname()[1])
started = time.monotonic()
for _ in range(3):
    with tracer("t").start_as_current_span("x"): pass
    telemetry.force_flush(0.5)
until = time.monotonic() + 20
while telemetry._exporter.healthy and time.monotonic() < until: time.sleep(0.05)
assert not telemetry._exporter.healthy
quick = time.monotonic()
for _ in range(20000):
    with tracer("t").start_as_current_span("x"): pass
telemetry.force_flush(5)
sys.stdout.write("%f " % (time.monotonic() - quick))
ending = time.monotonic()
telemetry.shutdown()
sys.stdout.write("%f" % (time.monotonic() - ending))
"""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    peer_seconds, work_seconds, shutdown_seconds = map(float, done.stdout.split())
    # More spans than are kept; a machine on which an exporter that lives is as slow is excused.
    assert work_seconds < max(5, peer_seconds)
    assert shutdown_seconds < 4
    assert time.monotonic() - started < 40
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events == ["span_export_failing"]
