"""The contract from other languages: Node with grpc-js, and grpcurl over reflection."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from babelmill.client import Client
from tests.acceptance.conftest import Stack

ROOT = Path(__file__).resolve().parents[2]
INTEROP = ROOT / "tests" / "interop"
GRPCURL = ROOT / ".ci-tools" / "grpcurl"
HOW = "run `make ci-tools`"


@pytest.mark.row("C4", "B1")
def test_node_client_resumes_without_a_gap_when_its_connection_drops(stack: Stack) -> None:
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not (INTEROP / "node_modules").exists():
        pytest.skip(f"the Node modules are not installed; {HOW}")

    finished = subprocess.run(
        ["node", INTEROP / "watch.mjs"],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert finished.returncode == 0, finished.stderr
    seen = json.loads(finished.stdout)
    assert (seen["dropped"], seen["ended"], seen["lateEnd"]) == ("dropped", "ended", "ended")
    assert seen["sequences"] == list(range(1, len(seen["sequences"]) + 1))
    assert seen["states"][0] == "JOB_STATE_PENDING"
    assert seen["states"][-1] == "JOB_STATE_COMPLETED"
    assert len(seen["states"]) == len(set(seen["states"]))
    assert seen["late"][0] == "snapshot"
    assert seen["lateState"] == "JOB_STATE_COMPLETED"


@pytest.mark.row("C4")
def test_grpcurl_watches_a_job_to_its_end_when_reflection_describes_it(
    stack: Stack, client: Client
) -> None:
    if not GRPCURL.exists():
        pytest.skip(f"grpcurl is not installed; {HOW}")
    job = client.translate_text("The wheel turns.", source="en", targets=["pt"])

    finished = subprocess.run(
        [
            GRPCURL,
            "-plaintext",
            *("-H", f"authorization: Bearer {stack.token}"),
            *("-d", json.dumps({"job_id": job.job_id, "after_sequence": 0})),
            stack.grpc,
            "babelmill.jobs.v1.JobService/WatchJob",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert finished.returncode == 0, finished.stderr
    assert '"JOB_STATE_COMPLETED"' in finished.stdout
    listed = subprocess.run(
        [GRPCURL, "-plaintext", stack.grpc, "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "babelmill.jobs.v1.JobService" in listed.stdout
    assert "grpc.health.v1.Health" in listed.stdout
