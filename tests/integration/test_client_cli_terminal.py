"""The `babelmill` command in a process of its own: on a terminal, and interrupted."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from babelmill.jobs.v1 import job_pb2
from tests.deadlines import eventually
from tests.integration.client_peer import Peer, serving
from tests.integration.test_client_cli import HOSTILE, environment, translate_with

COMMAND = (sys.executable, "-m", "babelmill.cli.main")
# What a shell starts in the background ignores Ctrl-C, and so do its children.
HEARING = ("env", "--default-signal=INT")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


def test_the_job_goes_on_when_ctrl_c_ends_the_waiting(peer: Peer) -> None:
    peer.on_create = lambda _: None
    with subprocess.Popen(
        [*HEARING, *COMMAND, "translate", "Good morning.", "--to", "pt"],
        env=os.environ | environment(peer),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        eventually(lambda: peer.watches)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    (job_id,) = peer.jobs
    assert (process.returncode, output) == (130, "")
    assert f"babelmill watch {job_id}" in errors
    assert f"babelmill cancel {job_id}" in errors
    assert "Traceback" not in errors
    assert peer.jobs[job_id].job.state == job_pb2.JOB_STATE_PENDING
    assert peer.watches[0].ended.wait(5)


def on_terminal(peer: Peer, *arguments: str) -> str:
    """Run the command on a terminal of its own; return all that it shows."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | environment(peer) | {"TERM": "xterm", "COLUMNS": "120"},
        stdin=child,
        stdout=child,
        stderr=child,
    ) as process:
        os.close(child)
        shown = b""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            ready, _, _ = select.select([parent], [], [], 0.1)
            try:
                data = os.read(parent, 65536) if ready else b""
            except OSError:  # the terminal's last user has gone
                break
            shown += data
            if not data and process.poll() is not None:
                break
        os.close(parent)
        assert process.wait(10) == 0, shown
    return shown.decode()


def test_control_characters_are_shown_when_stdout_is_a_terminal(peer: Peer) -> None:
    peer.on_create = lambda job: translate_with(peer, job, {"pt": HOSTILE})
    shown = on_terminal(peer, "translate", "x", "--to", "pt")
    assert "[red]Olá[/red] \\x1b[31mmundo\\x07 \\u202ekcab" in shown
    assert "\x1b[31m" not in shown.split("[red]")[1]


def test_bars_are_drawn_for_each_target_when_stderr_is_a_terminal(peer: Peer) -> None:
    peer.on_create = lambda job: translate_with(peer, job, {"pt": "Olá.", "es": "Hola."})
    shown = on_terminal(peer, "translate", "x", "--to", "pt", "--to", "es")
    for expected in ("job COMPLETED", "  pt", "  es", "100 %", "Olá.", "Hola."):
        assert expected in shown


def test_markup_stays_text_when_a_table_is_drawn(peer: Peer) -> None:
    assert "[bold]Grinds.[/]" in on_terminal(peer, "engines")
