"""One run of a command: client, root span, and the way out of errors.

Every command runs inside `session`; nothing else decides an exit code for an
error, and no traceback leaves it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from opentelemetry.trace import StatusCode

from babelmill.cli.exit_codes import ExitCode, code_of_error, describe_error
from babelmill.cli.screen import Screen
from babelmill.client import Client
from babelmill.client.endpoint import Surroundings
from babelmill.client.errors import BabelmillError
from babelmill.kit.process.logs import configure_logging
from babelmill.kit.process.telemetry import Telemetry, start_telemetry, tracer

SERVICE = "babelmill-cli"
OPERATOR_TOKEN = "BABELMILL_OPERATOR_TOKEN"  # noqa: S105 - the name of a variable


class Session:
    """What a command works with."""

    def __init__(self, client: Client, screen: Screen) -> None:
        self.client = client
        self.screen = screen
        # The job that goes on when the user has had enough of waiting.
        self.awaited_job_id = ""


@contextmanager
def session(command: str, *, token_name: str = "") -> Iterator[Session]:
    """Run a command's body; errors become a message and typer.Exit with their code.

    `token_name` is a variable to look for a token in before BABELMILL_TOKEN.
    """
    telemetry = _start_telemetry()
    screen = Screen()
    try:
        with tracer(__name__).start_as_current_span(
            f"cli.{command}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                with _open(screen, token_name) as opened:
                    yield opened
            except typer.Exit as ending:
                if ending.exit_code:
                    span.set_status(StatusCode.ERROR)
                raise
    finally:
        if telemetry is not None:
            telemetry.shutdown()


@contextmanager
def _open(screen: Screen, token_name: str) -> Iterator[Session]:
    opened: Session | None = None
    try:
        with Client(token=_special_token(token_name), service="cli") as client:
            opened = Session(client, screen)
            yield opened
    except BabelmillError as error:
        screen.problem(describe_error(error, opened.client.address if opened else ""))
        raise typer.Exit(code_of_error(error)) from error
    except KeyboardInterrupt:
        if opened is not None and opened.awaited_job_id:
            _tell_how_to_go_on(screen, opened.awaited_job_id)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        raise  # the reader of stdout has gone; the command line library ends quietly
    except OSError as error:
        screen.problem([_describe_os_error(error)])
        raise typer.Exit(ExitCode.USAGE) from error


def _special_token(token_name: str) -> str | None:
    return (Surroundings().endpoint(token_name=token_name).token or None) if token_name else None


def _start_telemetry() -> Telemetry | None:
    endpoint = Surroundings().get("BABELMILL_OTLP_ENDPOINT")
    if not endpoint:
        return None
    # Else the kit's warnings of a collector that is away would go to stdout.
    configure_logging(SERVICE, "error")
    return start_telemetry(SERVICE, endpoint)


def _tell_how_to_go_on(screen: Screen, job_id: str) -> None:
    screen.note(f"job {job_id} goes on without you")
    screen.note(f"  watch it:   babelmill watch {job_id}")
    screen.note(f"  cancel it:  babelmill cancel {job_id}")


def _describe_os_error(error: OSError) -> str:
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text
