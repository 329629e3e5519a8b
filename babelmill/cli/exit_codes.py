"""How the command ends, for scripts to act on, and one clear text for each error."""

from enum import IntEnum

from babelmill.client.errors import (
    BabelmillError,
    CallCancelled,
    DataLoss,
    DeadlineExceeded,
    Internal,
    NotConfigured,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
)
from babelmill.client.jobs import has_succeeded
from babelmill.jobs.v1 import job_pb2


class ExitCode(IntEnum):
    """0 done · 1 the job did not succeed · 2 usage · 3 unreachable · 4 refused · 130 Ctrl-C."""

    DONE = 0
    JOB_NOT_COMPLETED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    INTERRUPTED = 130


_UNREACHABLE = (
    NotConfigured,
    Unavailable,
    DeadlineExceeded,
    CallCancelled,
    Internal,
    Unknown,
    Unimplemented,
)


def code_of_error(error: BabelmillError) -> ExitCode:
    """Choose the exit code of a call that did not succeed."""
    if isinstance(error, DataLoss):
        return ExitCode.JOB_NOT_COMPLETED
    return ExitCode.UNREACHABLE if isinstance(error, _UNREACHABLE) else ExitCode.REFUSED


def code_of_job(job: job_pb2.Job) -> ExitCode:
    """Choose the exit code of a job that has ended."""
    return ExitCode.DONE if has_succeeded(job) else ExitCode.JOB_NOT_COMPLETED


def describe_error(error: BabelmillError, address: str) -> list[str]:
    """Describe an error: one line, then one for each wrong field and further fact."""
    if isinstance(error, NotConfigured):
        return [str(error)]
    headline = error.message
    if isinstance(error, Unavailable):
        headline = f"the service at {address} cannot be reached: {error.message}"
    elif isinstance(error, Unauthenticated):
        headline = f"{error.message} (set BABELMILL_TOKEN)"
    if error.reason:
        headline += f" [{error.reason}]"
    lines = [headline]
    wrong = [f"{violation.field}: {violation.description}" for violation in error.violations]
    # The message may already be the one wrong field.
    lines += [f"  {line}" for line in wrong if line != error.message]
    lines += [f"  {name}: {value}" for name, value in sorted(error.metadata.items())]
    if error.retry_after_seconds is not None:
        lines.append(f"  try again after {error.retry_after_seconds:g} s")
    return lines
