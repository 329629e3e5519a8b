"""Typed failures from captured words of ffmpeg."""

import signal

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from media_worker.ffmpeg.failures import failure_of_opening, failure_of_run
from media_worker.ffmpeg.runner import EndedBy, RunResult

PATH = "/srv/tenant-7/secret name.mp4"


@pytest.mark.parametrize(
    ("stderr", "reason", "verdict"),
    [
        (
            "[in#0] Format not on whitelist 'mov'\nError opening input: Invalid argument",
            FailureReason.MEDIA_REFUSED,
            "FORMAT_NOT_ALLOWED",
        ),
        (
            "Not detecting m3u8/hls with non standard extension and non standard mime type\n"
            "Error opening input: Invalid data found when processing input",
            FailureReason.MEDIA_REFUSED,
            "FORMAT_NOT_ALLOWED",
        ),
        ("Number of tracks exceeds max_streams (64)", FailureReason.MEDIA_REFUSED, "STREAM_LIMIT"),
        (
            "Picture size 60000x60000 exceeds specified max pixel count 1000",
            FailureReason.MEDIA_REFUSED,
            "PIXEL_LIMIT",
        ),
        ("[in#0] moov atom not found", FailureReason.NOT_MEDIA, None),
        ("Error opening input: Invalid data found", FailureReason.NOT_MEDIA, None),
        ("Error opening input: No such file or directory", FailureReason.INPUT_MISSING, None),
        ("Cannot allocate memory", FailureReason.ENCODE_FAILED, None),
    ],
)
def test_opening_fails_with_its_reason_when_ffmpeg_says(
    stderr: str, reason: FailureReason, verdict: str | None
) -> None:
    failure = failure_of_opening(f"{stderr}\nError opening input file {PATH}.")
    assert failure.reason is reason
    assert failure.metadata.get("verdict") == verdict
    assert not failure.retryable
    assert "tenant" not in failure.message


def ended(stderr: str = "", *, code: int | None = 1, number: int | None = None) -> RunResult:
    return RunResult(EndedBy.ITSELF, code if number is None else None, number, stderr + PATH)


@pytest.mark.parametrize(
    ("result", "reason", "retryable"),
    [
        (ended("No space left on device"), FailureReason.NO_SPACE, True),
        (ended("x264 [error]: malloc of size 15 failed"), FailureReason.ENCODE_FAILED, False),
        (ended("[dec:h264] corrupt decoded frame"), FailureReason.MEDIA_REFUSED, False),
        (ended("Decode error rate 1 exceeds maximum"), FailureReason.MEDIA_REFUSED, False),
        (ended("something new", code=187), FailureReason.ENCODE_FAILED, True),
        (ended(number=signal.SIGXFSZ), FailureReason.MEDIA_REFUSED, False),
        (ended(number=signal.SIGXCPU), FailureReason.STEP_TIMEOUT, True),
        (ended(number=signal.SIGKILL), FailureReason.ENCODE_FAILED, True),
        (ended(number=signal.SIGSEGV), FailureReason.ENCODE_FAILED, True),
        (RunResult(EndedBy.DEADLINE, None, signal.SIGKILL, ""), FailureReason.STEP_TIMEOUT, True),
    ],
)
def test_run_fails_with_its_reason_when_it_ends_badly(
    result: RunResult, reason: FailureReason, retryable: bool
) -> None:
    failure = failure_of_run(result)
    assert failure.reason is reason
    assert failure.retryable is retryable
    assert "tenant" not in failure.message
    assert failure.message.endswith(".")
