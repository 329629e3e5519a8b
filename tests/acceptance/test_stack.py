"""The stack's own promises: side by side, self-healing, nothing left behind."""

import os
import signal
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from babelmill.client import Client
from babelmill.client.errors import Unavailable
from babelmill.jobs.v1 import job_pb2
from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import Stack, run_stack, stack_environment
from tests.deadlines import eventually


@pytest.fixture
def second_stack(tmp_path: Path, stack: Stack) -> Iterator[Stack]:
    """A stack of the test's own, beside the session's."""
    environment = stack_environment(tmp_path / "home")
    started = run_stack("up", environment)
    assert started.returncode == 0, started.stdout + started.stderr
    yield Stack(tmp_path / "home", read_environment(tmp_path / "home"))
    run_stack("down", environment)


def everything_of(stack: Stack) -> list[psutil.Process]:
    supervisor = psutil.Process(int(stack.values["BABELMILL_PID_SUPERVISOR"]))
    return [supervisor, *supervisor.children(recursive=True)]


def assert_all_gone(processes: list[psutil.Process]) -> None:
    eventually(
        lambda: not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE],
        timeout_seconds=30,
    )


def test_nothing_is_left_when_one_of_two_stacks_goes_down(
    stack: Stack, second_stack: Stack, client: Client
) -> None:
    processes = everything_of(second_stack)
    assert len(processes) >= 7
    assert second_stack.grpc != stack.grpc
    mode = stat.S_IMODE((second_stack.home / "env").stat().st_mode)
    assert mode == 0o600

    stopped = run_stack("down", stack_environment(second_stack.home))

    assert stopped.returncode == 0, stopped.stderr
    assert_all_gone(processes)
    assert read_environment(second_stack.home) == {}
    # The other one has not noticed.
    job = client.translate_text("Still here.", source="en", targets=["pt"])
    assert client.wait(job.job_id, timeout_seconds=30).state == job_pb2.JOB_STATE_COMPLETED


def test_nothing_is_left_when_supervisor_is_killed(second_stack: Stack) -> None:
    processes = everything_of(second_stack)

    os.kill(processes[0].pid, signal.SIGKILL)

    assert_all_gone(processes)


def submitted(client: Client) -> job_pb2.Job | None:
    """Submit a job; None while the service is not back."""
    try:
        return client.translate_text("After the fall.", source="en", targets=["pt"])
    except Unavailable:
        return None


def has_new_pid(stack: Stack, member: str, before: int) -> bool:
    return stack.pid(member) != before


@pytest.mark.row("S2.8")
def test_jobs_go_on_when_a_service_was_killed(second_stack: Stack) -> None:
    for member in ("job_service", "translation_worker"):
        before = second_stack.pid(member)
        os.kill(before, signal.SIGKILL)
        eventually(partial(has_new_pid, second_stack, member, before))

    with Client(second_stack.grpc, second_stack.token) as client:
        job = eventually(lambda: submitted(client), timeout_seconds=60)
        assert client.wait(job.job_id, timeout_seconds=60).state == job_pb2.JOB_STATE_COMPLETED


def test_status_tells_what_runs_when_asked(stack: Stack) -> None:
    said = run_stack("status", stack_environment(stack.home))

    assert said.returncode == 0
    for member in ("postgres", "valkey", "job_service", "gateway", "media_worker"):
        assert member in said.stdout


def test_up_refuses_clearly_when_an_address_is_taken(stack: Stack, tmp_path: Path) -> None:
    environment = stack_environment(tmp_path / "home", BABELMILL_GRPC_LISTEN=stack.grpc)

    refused = run_stack("up", environment)

    assert refused.returncode == 1
    assert f"{stack.grpc} is in use" in refused.stderr
    assert read_environment(tmp_path / "home") == {}
