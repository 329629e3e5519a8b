"""The `babelmill` command as a user runs it, in a process of its own."""

import json
import subprocess
from pathlib import Path

from tests.acceptance.conftest import BIN, Stack


def babelmill(stack: Stack, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "babelmill", *arguments],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_translation_is_printed_when_text_is_given(stack: Stack) -> None:
    done = babelmill(stack, "translate", "Good morning, miller.", "--from", "en", "--to", "pt")

    assert done.returncode == 0, done.stderr
    assert "bom dia" in done.stdout.lower()


def test_file_is_written_when_output_is_named(stack: Stack, clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "sound.mp3"

    done = babelmill(stack, "transcode", clip, "--preset", "mp3", "--output", output, "--json")

    assert done.returncode == 0, done.stderr
    assert output.stat().st_size > 10_000
    for line in done.stdout.splitlines():
        json.loads(line)


def test_history_is_told_when_job_is_watched_again(stack: Stack) -> None:
    created = babelmill(
        stack, "translate", "Good night.", "--from", "en", "--to", "pt", "--no-wait", "--json"
    )
    job_id = json.loads(created.stdout.splitlines()[-1])["job_id"]

    watched = babelmill(stack, "watch", job_id, "--after", "0", "--json")

    assert watched.returncode == 0, watched.stderr
    lines = [json.loads(line) for line in watched.stdout.splitlines()]
    sequences = [int(line["event"]["sequence"]) for line in lines if "event" in line]
    assert sequences == list(range(1, len(sequences) + 1))
    assert babelmill(stack, "get", job_id).returncode == 0
    listed = babelmill(stack, "jobs", "--limit", "50", "--json")
    assert job_id in listed.stdout


def test_pairs_are_told_when_pair_is_unknown(stack: Stack) -> None:
    refused = babelmill(stack, "translate", "Hello", "--from", "en", "--to", "xh")

    assert refused.returncode == 4
    assert "pt" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_service_is_named_when_unreachable(stack: Stack) -> None:
    done = subprocess.run(
        [BIN / "babelmill", "jobs"],
        env={**stack.environment(), "BABELMILL_GRPC": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 3
    assert "127.0.0.1:1" in done.stderr
