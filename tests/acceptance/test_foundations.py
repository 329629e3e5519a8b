"""The libraries that the services stand on, as the real processes import them."""

import os
import subprocess

import pytest

from tests.acceptance.conftest import BIN

_SHARED = {"grpc", "google.protobuf", "celery", "redis", "opentelemetry.sdk"}
_EXPECTED = {
    "babelmill-job-service": _SHARED | {"sqlalchemy", "psycopg2"},
    "babelmill-translation-worker": _SHARED,
    "babelmill-media-worker": _SHARED,
}


@pytest.mark.row("C1")
@pytest.mark.parametrize("command", sorted(_EXPECTED))
def test_a_service_stands_on_the_libraries_of_its_trade(command: str) -> None:
    """A service that lacks its settings has imported all, and says which settings it lacks."""
    done = subprocess.run(
        [BIN / command, "serve"] if command == "babelmill-job-service" else [BIN / command],
        env={"PATH": os.environ["PATH"], "PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78, done.stderr[-2000:]
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert imported >= _EXPECTED[command]
