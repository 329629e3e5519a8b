"""The HTTP door against its own description: what it answers to anything is what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.doors import Doors

FUZZ_SECONDS = 30
# Chance makes thousands of jobs, and none of them must stand in the way of the next.
ENVIRONMENT = {"BABELMILL_MAX_WAITING_JOBS": "1000000"}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "use_after_free",
)


@pytest.mark.matrix(4, 15, 16, 24, 65)
def test_answers_are_as_described_when_requests_are_anything(doors: Doors, tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("st"),
            "run",
            f"{doors.url}/openapi.json",
            *("--header", f"Authorization: Bearer {doors.token}"),
            # A watch of a job that nobody works on goes on for ever.
            *("--exclude-path-regex", "/(events|ws)$"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-time", str(FUZZ_SECONDS)),
            *("--seed", "1"),
            *("--request-timeout", "20"),
            "--no-shrink",
            "--continue-on-failure",
            *("--warnings", "off"),
        ],
        cwd=tmp_path,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
        timeout=FUZZ_SECONDS + 90,
    )
    assert ran.returncode == 0, ran.stdout[-12_000:] + ran.stderr[-2000:]
    assert doors.gateway.logged("request_failed") == []
    assert doors.service.logged("call_failed") == []
