"""Turns what ffmpeg says and how it ended into a typed failure.

Messages are sentences of our own: ffmpeg's words hold paths and can hold the
file's words, so none of them is passed on.
"""

import signal

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.runner import EndedBy, RunResult


def refused(verdict: str, message: str) -> StepFailure:
    """Make the failure of a file that is not processed; `verdict` names the rule."""
    return StepFailure(FailureReason.MEDIA_REFUSED, message, metadata={"verdict": verdict})


def failure_of_opening(stderr: str) -> StepFailure:
    """Say why an input could not be opened."""
    if "not on whitelist" in stderr or "Not detecting m3u8/hls" in stderr:
        return refused("FORMAT_NOT_ALLOWED", "Files of this format are not processed.")
    limit = _limit_exceeded(stderr)
    if limit is not None:
        return limit
    if "moov atom not found" in stderr:
        return StepFailure(
            FailureReason.NOT_MEDIA,
            "The file cannot be read: its index is missing, as in a file that was cut short.",
        )
    if "No such file or directory" in stderr:
        return StepFailure(FailureReason.INPUT_MISSING, "The input file is not there any more.")
    if _is_out_of_memory(stderr):
        return _out_of_memory()
    return StepFailure(FailureReason.NOT_MEDIA, "The file is no media file that can be read.")


def failure_of_run(result: RunResult) -> StepFailure:
    """Say why ffmpeg did not end well while it read, encoded or decoded."""
    if result.ended_by is EndedBy.DEADLINE:
        return StepFailure(FailureReason.STEP_TIMEOUT, "The work took longer than it may.")
    if result.signal_number is not None:
        return _failure_of_signal(result.signal_number)
    return _failure_of_words(result.stderr) or StepFailure(
        FailureReason.ENCODE_FAILED,
        f"The encoder ended with status {result.exit_code}.",
        metadata={"exit_code": str(result.exit_code)},
    )


_UNKNOWN_CODEC = ("Could not find codec parameters", "no decoder found for", "Decoder not found")
_DAMAGE = (
    "corrupt decoded frame",
    "corrupt input packet",
    "Decoding error",
    "Decode error rate",
    "Error during demuxing",
    "partial file",
    "File ended prematurely",
)


def says_cut_short(stderr: str) -> bool:
    """Tell whether ffmpeg met the end of a file that should go on."""
    return "partial file" in stderr or "File ended prematurely" in stderr


def _failure_of_words(stderr: str) -> StepFailure | None:
    if "No space left on device" in stderr:
        return StepFailure(FailureReason.NO_SPACE, "There was no space left for the output.")
    if _is_out_of_memory(stderr):
        return _out_of_memory()
    limit = _limit_exceeded(stderr)
    if limit is not None:
        return limit
    if any(words in stderr for words in _UNKNOWN_CODEC):
        return refused("UNSUPPORTED_CODEC", "A stream of the file has a codec that is not known.")
    if any(words in stderr for words in _DAMAGE):
        return refused("DAMAGED", "The file is damaged: a part of it cannot be decoded.")
    return None


def _limit_exceeded(stderr: str) -> StepFailure | None:
    if "exceeds specified max pixel count" in stderr:
        return refused("PIXEL_LIMIT", "The picture has more pixels than are processed.")
    if "exceeds max_streams" in stderr:
        return refused("STREAM_LIMIT", "The file has more streams than are processed.")
    return None


def _is_out_of_memory(stderr: str) -> bool:
    return "Cannot allocate memory" in stderr or "malloc of size" in stderr


def _out_of_memory() -> StepFailure:
    return StepFailure(
        FailureReason.ENCODE_FAILED, "The work needs more memory than it may have.", retryable=False
    )


def _failure_of_signal(number: int) -> StepFailure:
    if number == signal.SIGXFSZ:
        return refused("OUTPUT_SIZE_LIMIT", "The output would be larger than it may be.")
    if number == signal.SIGXCPU:
        return StepFailure(
            FailureReason.STEP_TIMEOUT, "The work took more processor time than it may."
        )
    if number == signal.SIGKILL:
        return StepFailure(
            FailureReason.ENCODE_FAILED,
            "The encoder was killed by the system, as happens when memory runs out.",
            metadata={"signal": str(number)},
        )
    return StepFailure(
        FailureReason.ENCODE_FAILED,
        f"The encoder ended by signal {number}.",
        metadata={"signal": str(number)},
    )
