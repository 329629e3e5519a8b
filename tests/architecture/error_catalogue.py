"""Writes docs/errors.md from the code: every reason that a client can see.

Usage: PYTHONPATH=. python tests/architecture/error_catalogue.py
"""

from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from job_service.api import status
from job_service.domain.errors import Refusal

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
INTRODUCTION = """\
# Errors

A request that is not accepted gets a gRPC status with `google.rpc.ErrorInfo` (domain `babelmill`, a
reason from the first table), and with `BadRequest`, `RetryInfo` or `QuotaFailure` where they apply.
Over HTTP the same reason is in the problem details. Work that was accepted and then fails carries a
reason from the second table in its `Failure`.

Act on the reason, never on the text. Reasons are added, never renamed.

## Requests
"""


def page() -> str:
    """Return the page that the code gives today."""
    refusals = sorted(
        {cls for cls in status.CODES if cls is not Refusal}, key=lambda cls: cls.reason
    )
    lines = [INTRODUCTION, "| reason | gRPC status | meaning |", "|---|---|---|"]
    for cls in refusals:
        meaning = " ".join((cls.__doc__ or "").split())
        lines.append(f"| `{cls.reason}` | {status.CODES[cls].name} | {meaning} |")
    lines += ["", "## Work", "", "| reason | tried again | meaning |", "|---|---|---|"]
    for reason in sorted(FailureReason):
        again = "yes" if reason.retryable else "no"
        lines.append(f"| `{reason.value}` | {again} | {reason.description} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
