"""The command `babelmill-stack`: up, down, status, run, demo."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import typer

from babelmill.kit.process.lifecycle import StopSignal
from babelmill.kit.process.logs import configure_logging
from babelmill.kit.process.settings import load_settings
from babelmill.stack.demo import run_demo
from babelmill.stack.environment import FILE_NAME, read_environment
from babelmill.stack.ports import wait_until
from babelmill.stack.postgres import PostgresError
from babelmill.stack.settings import StackSettings
from babelmill.stack.supervisor import AlreadyRunning, StackError, Supervisor, is_running
from babelmill.stack.valkey import ValkeyError

STOP_TIMEOUT_SECONDS = 120

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run the whole of Babelmill on this machine.",
)


@app.command()
def run() -> None:
    """Run the stack until SIGTERM or Ctrl-C."""
    settings = load_settings(StackSettings)
    configure_logging("stack", settings.log_level)
    supervisor = Supervisor(settings)
    stop = StopSignal()
    stop.install()
    try:
        values = supervisor.start()
        typer.echo(_summary(settings.home, values))
        supervisor.watch(lambda: stop.requested)
    except AlreadyRunning:
        raise _failed(f"a stack already runs in {settings.home}") from None
    except (StackError, PostgresError, ValkeyError) as error:
        raise _failed(str(error)) from None
    finally:
        supervisor.stop()


@app.command()
def up() -> None:
    """Start the stack and leave it running."""
    settings = load_settings(StackSettings)
    if is_running(settings.home) and _wait_for_ready(settings, None):
        typer.echo(f"Already running.\n{_summary(settings.home, read_environment(settings.home))}")
        return
    _start_in_background(settings)
    typer.echo(_summary(settings.home, read_environment(settings.home)))


@app.command()
def down() -> None:
    """Stop the stack and every process of it."""
    home = load_settings(StackSettings).home
    if not is_running(home):
        typer.echo("Not running.")
        return
    _stop_in_background(home)
    typer.echo("Stopped.")


@app.command()
def status() -> None:
    """Show what runs, and where. Exit 3 when nothing does."""
    home = load_settings(StackSettings).home
    values = read_environment(home)
    if not is_running(home) or not values:
        typer.echo("Starting or stopping." if is_running(home) else "Not running.")
        raise typer.Exit(3)
    for name, pid in _pids(values):
        try:
            process = psutil.Process(pid)
            memory_mib = sum(
                p.memory_info().rss for p in (process, *process.children(recursive=True))
            ) / (1 << 20)
            typer.echo(f"{name:<20} pid {pid:<8} {memory_mib:6.0f} MiB  {process.status()}")
        except psutil.NoSuchProcess:
            typer.echo(f"{name:<20} pid {pid:<8} gone; it is being started again")
    typer.echo(_summary(home, values))


@app.command()
def demo() -> None:
    """Start a stack, translate and transcode for real, and stop it again.

    A stack that already runs in the home directory is used and left running.
    """
    settings = load_settings(StackSettings)
    with _borrowed_stack(settings) as values:
        code = run_demo(settings.home.resolve(), values)
    raise typer.Exit(code)


@contextlib.contextmanager
def _borrowed_stack(settings: StackSettings) -> Iterator[Mapping[str, str]]:
    if is_running(settings.home) and _wait_for_ready(settings, None):
        yield read_environment(settings.home)
        return
    # A Ctrl-C or SIGTERM must still run the finally below.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    typer.echo("Starting PostgreSQL, Valkey, the job service, the gateway and two workers …")
    try:
        _start_in_background(settings)
        yield read_environment(settings.home)
    finally:
        if is_running(settings.home):
            _stop_in_background(settings.home)
            typer.echo("Everything is stopped.")


def _start_in_background(settings: StackSettings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = settings.home / "supervisor.log"
    start_of_log = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "babelmill.stack.main", "run"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    if not _wait_for_ready(settings, supervisor):
        with contextlib.suppress(ProcessLookupError):
            supervisor.terminate()
        supervisor.wait(STOP_TIMEOUT_SECONDS)
        with log.open("rb") as written:
            written.seek(start_of_log)
            said = written.read().decode(errors="replace")
        raise _failed(f"the stack did not start:\n{said[-4000:]}")


def _wait_for_ready(settings: StackSettings, supervisor: subprocess.Popen[bytes] | None) -> bool:
    """Wait for the env file, which exists exactly while the stack is ready."""

    def ready_or_dead() -> bool:
        dead = supervisor is not None and supervisor.poll() is not None
        return dead or (settings.home / FILE_NAME).exists()

    # Each stage of a start has the settings' time; there are three.
    wait_until(ready_or_dead, timeout_seconds=3 * settings.start_timeout_seconds)
    return (settings.home / FILE_NAME).exists() and (
        supervisor is None or supervisor.poll() is None
    )


def _stop_in_background(home: Path) -> None:
    pid = int((home / "lock").read_text().strip())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: not is_running(home), timeout_seconds=STOP_TIMEOUT_SECONDS):
        raise _failed(f"the supervisor, pid {pid}, did not stop")


def _pids(values: Mapping[str, str]) -> list[tuple[str, int]]:
    prefix = "BABELMILL_PID_"
    return [(k.removeprefix(prefix).lower(), int(v)) for k, v in values.items() if prefix in k]


def _summary(home: Path, values: Mapping[str, str]) -> str:
    return "\n".join(
        (
            f"gRPC     {values['BABELMILL_GRPC']}",
            f"workers  {values['BABELMILL_WORKER_GRPC']}",
            f"HTTP     {values['BABELMILL_HTTP']}  (documentation at /docs)",
            f"token    {values['BABELMILL_TOKEN']}",
            f"all of it in {home / FILE_NAME}, for `set -a; . {home / FILE_NAME}`",
        )
    )


def _failed(message: str) -> typer.Exit:
    typer.echo(f"babelmill-stack: {message}", err=True)
    return typer.Exit(1)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
