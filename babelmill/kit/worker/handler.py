"""What a worker's author writes against: the handler of one kind of step.

Everything a handler needs is named here, so that workers import one module.
"""

from typing import Protocol

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.attempt import Attempt
from babelmill.kit.worker.cancellation import CancellationToken, StepStopped, StopReason
from babelmill.kit.worker.outcome import INLINE_LIMIT_BYTES, Output, Result, StepFailure
from babelmill.kit.worker.progress import Pace

__all__ = [
    "INLINE_LIMIT_BYTES",
    "Attempt",
    "CancellationToken",
    "FailureReason",
    "Output",
    "Pace",
    "Result",
    "StepFailure",
    "StepHandler",
    "StepStopped",
    "StopReason",
]


class StepHandler(Protocol):
    """Does the work of one kind of step."""

    def run(self, work: lease_pb2.Work, attempt: Attempt) -> Result:
        """Do one attempt, in the main thread of a worker's child process.

        Raises StepFailure; lets StepStopped pass. When it returns or raises,
        nothing of the attempt may still run. It may be called with work whose
        earlier attempt was cut off anywhere.
        """
        ...
