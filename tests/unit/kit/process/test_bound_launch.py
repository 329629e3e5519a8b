"""Programs that end with their parent."""

import os
import signal
import subprocess
import sys

import psutil

from babelmill.kit.process.bound_launch import bound_command
from tests.deadlines import eventually

# Starts a bound program, tells its process id, and waits.
PARENT = """
import signal, subprocess, sys
from babelmill.kit.process.bound_launch import bound_command
command = [sys.executable, "-c", "import signal; signal.pause()"]
child = subprocess.Popen(bound_command(command, sig=signal.SIGKILL))
print(child.pid, flush=True)
signal.pause()
"""


def test_program_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_program_keeps_the_process_id_when_it_is_bound() -> None:
    command = [sys.executable, "-c", "import os; print(os.getpid(), os.getppid())"]
    with subprocess.Popen(
        bound_command(command, sig=signal.SIGKILL), stdout=subprocess.PIPE, text=True
    ) as child:
        said, _ = child.communicate(timeout=30)
    assert said.split() == [str(child.pid), str(os.getpid())]
    assert child.returncode == 0


def test_program_is_not_started_when_its_parent_is_gone_already() -> None:
    command = bound_command([sys.executable, "-c", "print('started')"], sig=signal.SIGKILL)
    another_parent = [str(os.getppid()) if part == str(os.getpid()) else part for part in command]
    finished = subprocess.run(another_parent, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stdout == ""
